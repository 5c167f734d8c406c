import type { Value } from '../onnx/graphBuilder.ts';
import { conv } from './layers.ts';
import type { Net } from './net.ts';

/** Every pixel becomes four. @param x [B, C, H, W] */
export function doubled(net: Net, x: Value): Value {
  // This pair of modes is the one with a fast path; for a factor of two all say the same.
  const modes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  return net.graph.op('Resize', [x, '', net.graph.floats([1, 1, 2, 2])], modes);
}

/** diffusers' `Upsample2D`. @param name e.g. `up_blocks.0.upsamplers.0` */
export function upsample(net: Net, name: string, x: Value): Value {
  return net.graph.within(name, () => conv(net, `${name}.conv`, doubled(net, x)));
}

/** diffusers' `Downsample2D`: every second pixel of a convolution. A VAE encoder has its border below and to the right only. */
export function downsample(net: Net, name: string, x: Value, border: 'around' | 'below' = 'around'): Value {
  return net.graph.within(name, () => conv(net, `${name}.conv`, x, { stride: 2, pads: border === 'around' ? [1, 1, 1, 1] : [0, 0, 1, 1] }));
}
