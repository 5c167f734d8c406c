import { StopbathError } from '../../../../shared/errors.ts';
import { silu } from '../blocks/activations.ts';
import { conv, groupNorm, linear } from '../blocks/layers.ts';
import { Net } from '../blocks/net.ts';
import { resBlock } from '../blocks/resBlock.ts';
import { downsample, upsample } from '../blocks/resample.ts';
import { embedding, sinusoids } from '../blocks/timeEmbedding.ts';
import { spatialTransformer } from '../blocks/transformer.ts';
import type { GraphOptions } from '../graphOptions.ts';
import type { Value } from '../onnx/graphBuilder.ts';
import type { Weights } from '../weights.ts';

/** diffusers' `UNet2DConditionModel` as Stable Diffusion 1, 2, XL and its refiner use it. */
export interface UnetConfig {
  /** 4; with mask and masked picture 9. */
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels of each level, outermost first. */
  readonly blockOutChannels: readonly number[];
  readonly layersPerBlock: number;
  /** Transformer blocks in each attention of a level, outermost level first; 0: the level has no attention. */
  readonly transformerLayers: readonly number[];
  /** Transformer blocks in the attention of the middle; 0: none. */
  readonly midTransformerLayers: number;
  /** Attention heads of each level. (diffusers' configs call this count `attention_head_dim`.) */
  readonly heads: readonly number[];
  /** Width of the text embeddings. */
  readonly crossAttentionDim: number;
  /** `time_cond_proj_dim`: width of the guidance scale's embedding in distilled models, or null. */
  readonly timeCondProjDim: number | null;
  /** `addition_embed_type: text_time` of SDXL, or null. */
  readonly textTime: TextTime | null;
  /** `norm_num_groups`; left out: 32. */
  readonly normGroups?: number;
}

/** SDXL's embedding of the pooled text and the sizes (`time_ids`). */
export interface TextTime {
  /** Width of the pooled text embedding `text_embeds`. */
  readonly pooledWidth: number;
  /** How many `time_ids`: 6 for the base, 5 for the refiner. */
  readonly timeIds: number;
  /** `addition_time_embed_dim`: width of one embedded time id, 256. */
  readonly timeIdWidth: number;
}

/**
 * `whole`: the UNet. The other two share its work between steps (DeepCache, arXiv 2312.00858): `whole-with-features` also gives what
 * flows from the deep layers to the outer ones as `deep_features`; `shallow` takes that of an earlier step and runs the outer layers only.
 */
export type UnetPart = 'whole' | 'whole-with-features' | 'shallow';

export interface UnetOptions extends GraphOptions {
  /** Left out: `whole`. */
  readonly part?: UnetPart;
  /** Layers of the outermost up block that the shallow part runs, 1 (cheapest) to layersPerBlock + 1; left out: 1. */
  readonly shallowLayers?: number;
}

/**
 * Inputs and outputs are named and shaped as optimum exports them: `sample` [B, C, H, W], `timestep` [], `encoder_hidden_states`
 * [B, tokens, width], of some `timestep_cond`, `text_embeds`, `time_ids`; `out_sample`. `deep_features`: {@link UnetPart}.
 * @throws StopbathError `MODEL_BAD` for weights that are missing or of other sizes.
 */
export function unetGraph(config: UnetConfig, weights: Weights, options: UnetOptions = {}): Buffer {
  const net = new Net(weights, options, 'streamed');
  const unet = new Unet(net, config, options);
  const sample = net.input('sample', ['batch', config.inChannels, 'height', 'width']);
  net.setBatch(sample);
  const context: Context = { time: unet.time(), text: unet.text() };
  const { result, features } = options.part === 'shallow' ? unet.shallow(sample, context) : unet.whole(sample, context);
  net.output('out_sample', result, ['batch', config.outChannels, 'height', 'width']);
  if (options.part === 'whole-with-features') net.output(featuresName, features, unet.featureSides);
  return net.build();
}

export const featuresName = 'deep_features';

/** What every block is told. */
interface Context {
  /** The activated embedding of time and, in SDXL, of sizes and pooled text: [1 or B, width]. */
  readonly time: Value;
  /** [B * tokens, width] */
  readonly text: Value;
}

interface Result {
  readonly result: Value;
  /** What the last {@link UnetOptions.shallowLayers} layers were given by the deeper ones. */
  readonly features: Value;
}

class Unet {
  readonly featureSides: readonly (number | string)[];
  readonly #net: Net;
  readonly #config: UnetConfig;
  readonly #groups: number;
  /** Up layers above the place where features are handed over. */
  readonly #shallowLayers: number;

  constructor(net: Net, config: UnetConfig, { shallowLayers = 1 }: UnetOptions) {
    this.#net = net;
    this.#config = config;
    this.#groups = config.normGroups ?? 32;
    const { layersPerBlock, blockOutChannels, transformerLayers, heads } = config;
    if (blockOutChannels.length === 0 || transformerLayers.length !== blockOutChannels.length || heads.length !== blockOutChannels.length) {
      const counts = [blockOutChannels, transformerLayers, heads].map((list) => list.length).join(', ');
      throw new StopbathError({ code: 'INTERNAL', message: `The levels of a UNet do not agree: ${counts}.` });
    }
    if (shallowLayers < 1 || shallowLayers > layersPerBlock + 1) {
      throw new StopbathError({ code: 'INTERNAL', message: `${shallowLayers} of ${layersPerBlock + 1} layers cannot be run alone.` });
    }
    this.#shallowLayers = shallowLayers;
    const width = blockOutChannels[shallowLayers > layersPerBlock ? 1 : 0] ?? blockOutChannels[0] ?? 0;
    this.featureSides = ['batch', width, 'height', 'width'];
  }

  time(): Value {
    const { blockOutChannels, timeCondProjDim, textTime } = this.#config;
    const { graph } = this.#net;
    const timestep = graph.op('Reshape', [graph.input('timestep', 'float32', []), graph.ints(1, 1)]);
    const place = sinusoids(this.#net, timestep, blockOutChannels[0] ?? 0);
    const told = timeCondProjDim === null ? place : graph.op('Add', [place, this.#guidance(timeCondProjDim)]);
    const time = embedding(this.#net, 'time_embedding', told);
    return silu(this.#net, textTime === null ? time : graph.op('Add', [time, this.#textTime(textTime)]));
  }

  text(): Value {
    const { crossAttentionDim } = this.#config;
    const text = this.#net.input('encoder_hidden_states', ['batch', 'tokens', crossAttentionDim]);
    return this.#net.graph.op('Reshape', [text, this.#net.graph.ints(-1, crossAttentionDim)]);
  }

  whole(sample: Value, context: Context): Result {
    const levels = this.#config.blockOutChannels.length;
    let x = conv(this.#net, 'conv_in', sample);
    const skips = [x];
    for (let level = 0; level < levels; level++) x = this.#down(level, x, skips, context);
    x = this.#middle(x, context);
    let features = x;
    for (let block = 0; block < levels; block++) {
      for (let layer = 0; layer <= this.#config.layersPerBlock; layer++) {
        if (block === levels - 1 && layer === this.#firstShallow) features = x;
        x = this.#upLayer(block, layer, x, taken(skips), context);
      }
      if (block < levels - 1) x = upsample(this.#net, `up_blocks.${block}.upsamplers.0`, x);
    }
    return { result: this.#last(x), features };
  }

  shallow(sample: Value, context: Context): Result {
    const last = this.#config.blockOutChannels.length - 1;
    let x = conv(this.#net, 'conv_in', sample);
    const skips = [x];
    for (let layer = 0; layer < this.#shallowLayers - 1; layer++) {
      x = this.#layer('down_blocks.0', layer, 0, x, context);
      skips.push(x);
    }
    const features = this.#net.input(featuresName, this.featureSides);
    x = features;
    for (let layer = this.#firstShallow; layer <= this.#config.layersPerBlock; layer++) {
      x = this.#upLayer(last, layer, x, taken(skips), context);
    }
    return { result: this.#last(x), features };
  }

  get #firstShallow(): number {
    return this.#config.layersPerBlock + 1 - this.#shallowLayers;
  }

  #down(level: number, from: Value, skips: Value[], context: Context): Value {
    let x = from;
    for (let layer = 0; layer < this.#config.layersPerBlock; layer++) {
      x = this.#layer(`down_blocks.${level}`, layer, level, x, context);
      skips.push(x);
    }
    if (level === this.#config.blockOutChannels.length - 1) return x;
    x = downsample(this.#net, `down_blocks.${level}.downsamplers.0`, x);
    skips.push(x);
    return x;
  }

  #middle(x: Value, context: Context): Value {
    const { blockOutChannels, midTransformerLayers } = this.#config;
    const first = this.#resBlock('mid_block.resnets.0', x, context);
    const seen = this.#attention('mid_block.attentions.0', blockOutChannels.length - 1, midTransformerLayers, first, context);
    return this.#resBlock('mid_block.resnets.1', seen, context);
  }

  /** Up blocks are counted from the deepest level; each layer is given what came down at its height. */
  #upLayer(block: number, layer: number, x: Value, skip: Value, context: Context): Value {
    const level = this.#config.blockOutChannels.length - 1 - block;
    const both = this.#net.graph.op('Concat', [x, skip], { axis: 1 });
    return this.#layer(`up_blocks.${block}`, layer, level, both, context);
  }

  #layer(block: string, layer: number, level: number, x: Value, context: Context): Value {
    const layers = this.#config.transformerLayers[level] ?? 0;
    return this.#attention(`${block}.attentions.${layer}`, level, layers, this.#resBlock(`${block}.resnets.${layer}`, x, context), context);
  }

  #resBlock(name: string, x: Value, { time }: Context): Value {
    return resBlock(this.#net, name, x, { groups: this.#groups, epsilon: 1e-5, time });
  }

  #attention(name: string, level: number, layers: number, x: Value, { text }: Context): Value {
    if (layers === 0) return x;
    const [channels = 0, heads = 1] = [this.#config.blockOutChannels[level], this.#config.heads[level]];
    return spatialTransformer(this.#net, name, x, { channels, heads, layers, groups: this.#groups, text });
  }

  #last(x: Value): Value {
    return conv(this.#net, 'conv_out', silu(this.#net, groupNorm(this.#net, 'conv_norm_out', x, this.#groups, 1e-5)));
  }

  /** The guidance scale, embedded by the caller, in distilled models (arXiv 2310.04378). */
  #guidance(width: number): Value {
    return linear(this.#net, 'time_embedding.cond_proj', this.#net.input('timestep_cond', ['batch', width]));
  }

  #textTime({ pooledWidth, timeIds, timeIdWidth }: TextTime): Value {
    const { graph } = this.#net;
    const pooled = this.#net.input('text_embeds', ['batch', pooledWidth]);
    const ids = graph.op('Reshape', [graph.input('time_ids', 'float32', ['batch', timeIds]), graph.ints(-1, 1)]);
    const embedded = graph.op('Reshape', [sinusoids(this.#net, ids, timeIdWidth), graph.ints(-1, timeIds * timeIdWidth)]);
    return embedding(this.#net, 'add_embedding', graph.op('Concat', [pooled, embedded], { axis: -1 }));
  }
}

/** What came down last. */
function taken(skips: Value[]): Value {
  const skip = skips.pop();
  if (skip !== undefined) return skip;
  throw new StopbathError({ code: 'INTERNAL', message: 'The up blocks of a UNet take more than its down blocks give.' });
}
