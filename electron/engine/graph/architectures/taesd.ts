import { conv } from '../blocks/layers.ts';
import { Net } from '../blocks/net.ts';
import { doubled } from '../blocks/resample.ts';
import type { GraphOptions } from '../graphOptions.ts';
import type { Value } from '../onnx/graphBuilder.ts';
import type { Weights } from '../weights.ts';

/** diffusers' `AutoencoderTiny` (TAESD). */
export interface TaesdConfig {
  readonly latentChannels: number;
  /** `num_encoder_blocks`: residual blocks of each stage from the pixels on; 1, 3, 3, 3. */
  readonly encoderBlocks: readonly number[];
  /** `num_decoder_blocks`: residual blocks of each stage from the latents on; 3, 3, 3, 1. */
  readonly decoderBlocks: readonly number[];
}

/**
 * `latent_sample` [B, C, h, w] in the model's scale to `sample` [B, 3, H, W] in -1..1. Weights are named as in diffusers:
 * `decoder.layers.N...`, N counting what has no weights, too.
 */
export function taesdDecoderGraph(config: TaesdConfig, weights: Weights, options: GraphOptions = {}): Buffer {
  const net = new Net(weights, options, 'held');
  const { graph } = net;
  const layer = counter('decoder.layers');
  const latents = net.input('latent_sample', ['batch', config.latentChannels, 'height', 'width']);
  net.setBatch(latents);
  const scale = net.scalar(3);
  const bounded = graph.op('Mul', [graph.op('Tanh', [graph.op('Div', [latents, scale])]), scale]);
  let x = conv(net, layer(), bounded);
  layer();
  x = graph.op('Relu', [x]);
  config.decoderBlocks.forEach((blocks, stage) => {
    for (let block = 0; block < blocks; block++) x = tinyBlock(net, layer(), x);
    if (stage < config.decoderBlocks.length - 1) {
      layer();
      x = doubled(net, x);
    }
    x = conv(net, layer(), x);
  });
  const sample = graph.op('Sub', [graph.op('Mul', [x, net.scalar(2)]), net.scalar(1)]);
  net.output('sample', sample, ['batch', 3, 'image_height', 'image_width']);
  return net.build();
}

/** `sample` [B, 3, H, W] in -1..1 to `latent_sample` [B, C, h, w] in the model's scale. Weights: `encoder.layers.N...`. */
export function taesdEncoderGraph(config: TaesdConfig, weights: Weights, options: GraphOptions = {}): Buffer {
  const net = new Net(weights, options, 'held');
  const { graph } = net;
  const layer = counter('encoder.layers');
  const sample = net.input('sample', ['batch', 3, 'image_height', 'image_width']);
  net.setBatch(sample);
  let x = graph.op('Div', [graph.op('Add', [sample, net.scalar(1)]), net.scalar(2)]);
  config.encoderBlocks.forEach((blocks, stage) => {
    x = conv(net, layer(), x, { stride: stage === 0 ? 1 : 2 });
    for (let block = 0; block < blocks; block++) x = tinyBlock(net, layer(), x);
  });
  net.output('latent_sample', conv(net, layer(), x), ['batch', config.latentChannels, 'height', 'width']);
  return net.build();
}

/** Names of a torch `Sequential`'s layers, one after the other. */
function counter(prefix: string): () => string {
  let next = 0;
  return () => `${prefix}.${next++}`;
}

/** diffusers' `AutoencoderTinyBlock`: three convolutions beside a shortcut. */
function tinyBlock(net: Net, name: string, x: Value): Value {
  const { graph } = net;
  const relu = (value: Value): Value => graph.op('Relu', [value]);
  return graph.within(name, () => {
    const inner = relu(conv(net, `${name}.conv.2`, relu(conv(net, `${name}.conv.0`, x))));
    const shortcut = net.weights.has(`${name}.skip.weight`) ? conv(net, `${name}.skip`, x) : x;
    return relu(graph.op('Add', [conv(net, `${name}.conv.4`, inner), shortcut]));
  });
}
