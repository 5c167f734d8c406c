import { silu } from '../blocks/activations.ts';
import { attention } from '../blocks/attention.ts';
import { conv, groupNorm, linear } from '../blocks/layers.ts';
import { Net } from '../blocks/net.ts';
import { resBlock } from '../blocks/resBlock.ts';
import { downsample, upsample } from '../blocks/resample.ts';
import { toImage, toTokens } from '../blocks/tokens.ts';
import { type GraphOptions, inFloat32 } from '../graphOptions.ts';
import type { Value } from '../onnx/graphBuilder.ts';
import type { Weights } from '../weights.ts';

/** diffusers' `AutoencoderKL`; `quant_conv` and `post_quant_conv` are used where the weights have them. */
export interface VaeConfig {
  readonly latentChannels: number;
  /** Channels of each level, outermost (pixels) first. */
  readonly blockOutChannels: readonly number[];
  readonly layersPerBlock: number;
  /** `norm_num_groups`; left out: 32. */
  readonly normGroups?: number;
}

const epsilon = 1e-6;

/**
 * `latent_sample` [B, C, h, w], unscaled, to `sample` [B, 3, H, W] in -1..1. Computes in float32 in every variant.
 * @throws StopbathError `MODEL_BAD` for weights that are missing or of other sizes.
 */
export function vaeDecoderGraph(config: VaeConfig, weights: Weights, options: GraphOptions = {}): Buffer {
  const net = new Net(weights, inFloat32(options), 'held');
  const { groups, levels, deepest } = sizesOf(config);
  const latents = net.input('latent_sample', ['batch', config.latentChannels, 'height', 'width']);
  net.setBatch(latents);
  let x = conv(net, 'decoder.conv_in', optionalConv(net, 'post_quant_conv', latents));
  x = middle(net, 'decoder.mid_block', x, groups, deepest);
  for (let block = 0; block < levels; block++) {
    for (let layer = 0; layer <= config.layersPerBlock; layer++) {
      x = resBlock(net, `decoder.up_blocks.${block}.resnets.${layer}`, x, { groups, epsilon, time: null });
    }
    if (block < levels - 1) x = upsample(net, `decoder.up_blocks.${block}.upsamplers.0`, x);
  }
  net.output('sample', last(net, 'decoder', x, groups), ['batch', 3, 'image_height', 'image_width']);
  return net.build();
}

/**
 * `sample` [B, 3, H, W] in -1..1 to `latent_parameters` [B, 2C, h, w]: means, then logarithms of variances, unscaled. Computes in float32 in every
 * variant.
 * @throws StopbathError `MODEL_BAD` for weights that are missing or of other sizes.
 */
export function vaeEncoderGraph(config: VaeConfig, weights: Weights, options: GraphOptions = {}): Buffer {
  const net = new Net(weights, inFloat32(options), 'held');
  const { groups, levels, deepest } = sizesOf(config);
  const sample = net.input('sample', ['batch', 3, 'image_height', 'image_width']);
  net.setBatch(sample);
  let x = conv(net, 'encoder.conv_in', sample);
  for (let block = 0; block < levels; block++) {
    for (let layer = 0; layer < config.layersPerBlock; layer++) {
      x = resBlock(net, `encoder.down_blocks.${block}.resnets.${layer}`, x, { groups, epsilon, time: null });
    }
    if (block < levels - 1) x = downsample(net, `encoder.down_blocks.${block}.downsamplers.0`, x, 'below');
  }
  x = last(net, 'encoder', middle(net, 'encoder.mid_block', x, groups, deepest), groups);
  net.output('latent_parameters', optionalConv(net, 'quant_conv', x), ['batch', 2 * config.latentChannels, 'height', 'width']);
  return net.build();
}

function sizesOf({ blockOutChannels, normGroups }: VaeConfig) {
  return { groups: normGroups ?? 32, levels: blockOutChannels.length, deepest: blockOutChannels.at(-1) ?? 0 };
}

function optionalConv(net: Net, layer: string, x: Value): Value {
  return net.weights.has(`${layer}.weight`) ? conv(net, layer, x) : x;
}

function middle(net: Net, name: string, x: Value, groups: number, channels: number): Value {
  const first = resBlock(net, `${name}.resnets.0`, x, { groups, epsilon, time: null });
  const seen = selfAttention(net, `${name}.attentions.0`, first, groups, channels);
  return resBlock(net, `${name}.resnets.1`, seen, { groups, epsilon, time: null });
}

/** One head over all pixels. @param x [B, C, h, w] */
function selfAttention(net: Net, name: string, x: Value, groups: number, channels: number): Value {
  return net.graph.within(name, () => {
    const { value: tokens, sides } = toTokens(net, groupNorm(net, `${name}.group_norm`, x, groups, epsilon), channels);
    const part = (letter: string): Value => linear(net, `${name}.to_${letter}`, tokens);
    const seen = attention(net, { query: part('q'), key: part('k'), value: part('v'), heads: 1, width: channels });
    return net.graph.op('Add', [toImage(net, { value: linear(net, `${name}.to_out.0`, seen), sides }), x]);
  });
}

function last(net: Net, name: string, x: Value, groups: number): Value {
  return conv(net, `${name}.conv_out`, silu(net, groupNorm(net, `${name}.conv_norm_out`, x, groups, epsilon)));
}
