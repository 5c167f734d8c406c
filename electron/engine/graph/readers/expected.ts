import type { ClipTextConfig } from '../architectures/clipText.ts';
import type { UnetConfig } from '../architectures/unet.ts';
import type { VaeConfig } from '../architectures/vae.ts';

/** Sides of every tensor an architecture has, by name; a matrix may also lie in the file as a convolution of one pixel. */
export type ExpectedTensors = Map<string, readonly number[]>;

class Expectation {
  readonly tensors: ExpectedTensors = new Map();

  weight(name: string, ...dims: number[]): void {
    this.tensors.set(`${name}.weight`, dims);
  }

  layer(name: string, ...dims: number[]): void {
    this.weight(name, ...dims);
    this.tensors.set(`${name}.bias`, dims.slice(0, 1));
  }

  /** @param timeWidth of the time embedding; null: the block is told no time, as in a VAE */
  resnet(name: string, before: number, after: number, timeWidth: number | null): void {
    this.layer(`${name}.norm1`, before);
    this.layer(`${name}.conv1`, after, before, 3, 3);
    if (timeWidth !== null) this.layer(`${name}.time_emb_proj`, after, timeWidth);
    this.layer(`${name}.norm2`, after);
    this.layer(`${name}.conv2`, after, after, 3, 3);
    if (before !== after) this.layer(`${name}.conv_shortcut`, after, before);
  }

  /** diffusers' `Transformer2DModel`. */
  transformer(name: string, width: number, depth: number, textWidth: number): void {
    this.layer(`${name}.norm`, width);
    this.layer(`${name}.proj_in`, width, width);
    this.layer(`${name}.proj_out`, width, width);
    for (let index = 0; index < depth; index++) {
      const block = `${name}.transformer_blocks.${index}`;
      for (const norm of ['norm1', 'norm2', 'norm3']) this.layer(`${block}.${norm}`, width);
      for (const [attention, keys] of [['attn1', width], ['attn2', textWidth]] as const) {
        this.weight(`${block}.${attention}.to_q`, width, width);
        this.weight(`${block}.${attention}.to_k`, width, keys);
        this.weight(`${block}.${attention}.to_v`, width, keys);
        this.layer(`${block}.${attention}.to_out.0`, width, width);
      }
      this.layer(`${block}.ff.net.0.proj`, 8 * width, width);
      this.layer(`${block}.ff.net.2`, width, 4 * width);
    }
  }
}

/** diffusers' `UNet2DConditionModel`. */
export function expectedUnet(config: UnetConfig): ExpectedTensors {
  const { blockOutChannels: widths, layersPerBlock, crossAttentionDim, textTime, transformerLayers } = config;
  const all = new Expectation();
  const first = widths[0] ?? 0;
  const last = widths.at(-1) ?? 0;
  const time = 4 * first;
  all.layer('conv_in', first, config.inChannels, 3, 3);
  all.layer('time_embedding.linear_1', time, first);
  all.layer('time_embedding.linear_2', time, time);
  if (config.timeCondProjDim !== null) all.weight('time_embedding.cond_proj', first, config.timeCondProjDim);
  if (textTime !== null) {
    all.layer('add_embedding.linear_1', time, textTime.pooledWidth + textTime.timeIds * textTime.timeIdWidth);
    all.layer('add_embedding.linear_2', time, time);
  }
  const skips = [first];
  for (const [level, width] of widths.entries()) {
    const block = `down_blocks.${level}`;
    for (let index = 0; index < layersPerBlock; index++) {
      all.resnet(`${block}.resnets.${index}`, index === 0 ? (widths[level - 1] ?? first) : width, width, time);
      const depth = transformerLayers[level] ?? 0;
      if (depth > 0) all.transformer(`${block}.attentions.${index}`, width, depth, crossAttentionDim);
      skips.push(width);
    }
    if (level === widths.length - 1) continue;
    all.layer(`${block}.downsamplers.0.conv`, width, width, 3, 3);
    skips.push(width);
  }
  for (const index of [0, 1]) all.resnet(`mid_block.resnets.${index}`, last, last, time);
  if (config.midTransformerLayers > 0) all.transformer('mid_block.attentions.0', last, config.midTransformerLayers, crossAttentionDim);
  upBlocks(all, config, skips, time);
  all.layer('conv_norm_out', first);
  all.layer('conv_out', config.outChannels, first, 3, 3);
  return all.tensors;
}

function upBlocks(all: Expectation, config: UnetConfig, skips: number[], time: number): void {
  const { blockOutChannels: widths, layersPerBlock, transformerLayers, crossAttentionDim } = config;
  let before = widths.at(-1) ?? 0;
  for (const [place, width] of [...widths].reverse().entries()) {
    const block = `up_blocks.${place}`;
    const depth = transformerLayers[widths.length - 1 - place] ?? 0;
    for (let index = 0; index <= layersPerBlock; index++) {
      all.resnet(`${block}.resnets.${index}`, before + (skips.pop() ?? 0), width, time);
      if (depth > 0) all.transformer(`${block}.attentions.${index}`, width, depth, crossAttentionDim);
      before = width;
    }
    if (place < widths.length - 1) all.layer(`${block}.upsamplers.0.conv`, width, width, 3, 3);
  }
}

/** What of diffusers' `AutoencoderKL` there is: either half, with or without the convolutions between. */
export interface VaeHalves {
  readonly encoder: boolean;
  readonly quantised: boolean;
}

/** diffusers' `AutoencoderKL`. */
export function expectedVae(config: VaeConfig, { encoder, quantised }: VaeHalves): ExpectedTensors {
  const { blockOutChannels: widths, latentChannels, layersPerBlock } = config;
  const all = new Expectation();
  const first = widths[0] ?? 0;
  const last = widths.at(-1) ?? 0;
  const middle = (side: string): void => {
    for (const index of [0, 1]) all.resnet(`${side}.mid_block.resnets.${index}`, last, last, null);
    all.layer(`${side}.mid_block.attentions.0.group_norm`, last);
    for (const layer of ['to_q', 'to_k', 'to_v', 'to_out.0']) all.layer(`${side}.mid_block.attentions.0.${layer}`, last, last);
  };
  if (encoder) {
    all.layer('encoder.conv_in', first, 3, 3, 3);
    for (const [level, width] of widths.entries()) {
      for (let index = 0; index < layersPerBlock; index++) {
        all.resnet(`encoder.down_blocks.${level}.resnets.${index}`, index === 0 ? (widths[level - 1] ?? first) : width, width, null);
      }
      if (level < widths.length - 1) all.layer(`encoder.down_blocks.${level}.downsamplers.0.conv`, width, width, 3, 3);
    }
    middle('encoder');
    all.layer('encoder.conv_norm_out', last);
    all.layer('encoder.conv_out', 2 * latentChannels, last, 3, 3);
    if (quantised) all.layer('quant_conv', 2 * latentChannels, 2 * latentChannels);
  }
  if (quantised) all.layer('post_quant_conv', latentChannels, latentChannels);
  all.layer('decoder.conv_in', last, latentChannels, 3, 3);
  middle('decoder');
  let before = last;
  for (const [place, width] of [...widths].reverse().entries()) {
    for (let index = 0; index <= layersPerBlock; index++) {
      all.resnet(`decoder.up_blocks.${place}.resnets.${index}`, before, width, null);
      before = width;
    }
    if (place < widths.length - 1) all.layer(`decoder.up_blocks.${place}.upsamplers.0.conv`, width, width, 3, 3);
  }
  all.layer('decoder.conv_norm_out', first);
  all.layer('decoder.conv_out', 3, first, 3, 3);
  return all.tensors;
}

/** What a text encoder's graph config does not say. */
export interface TextSizes {
  readonly vocabulary: number;
  readonly positions: number;
  readonly intermediate: number;
  /** Width of `text_projection`, or null. */
  readonly projection: number | null;
}

/** transformers' `CLIPTextModel`, or `CLIPTextModelWithProjection`. */
export function expectedText({ hiddenSize: width, layers }: ClipTextConfig, sizes: TextSizes): ExpectedTensors {
  const all = new Expectation();
  all.weight('text_model.embeddings.token_embedding', sizes.vocabulary, width);
  all.weight('text_model.embeddings.position_embedding', sizes.positions, width);
  for (let index = 0; index < layers; index++) {
    const layer = `text_model.encoder.layers.${index}`;
    for (const norm of ['layer_norm1', 'layer_norm2']) all.layer(`${layer}.${norm}`, width);
    for (const projection of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) all.layer(`${layer}.self_attn.${projection}`, width, width);
    all.layer(`${layer}.mlp.fc1`, sizes.intermediate, width);
    all.layer(`${layer}.mlp.fc2`, width, sizes.intermediate);
  }
  all.layer('text_model.final_layer_norm', width);
  if (sizes.projection !== null) all.weight('text_projection', sizes.projection, width);
  return all.tensors;
}
