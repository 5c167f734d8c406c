import type { Value } from '../onnx/graphBuilder.ts';
import type { Net } from './net.ts';

/** The pixels of an image as tokens, and the sides to go back with. */
export interface Tokens {
  /** [B * H * W, C] */
  readonly value: Value;
  /** The sides [B, H, W, C]. */
  readonly sides: Value;
}

/** @param image [B, C, H, W] */
export function toTokens(net: Net, image: Value, channels: number): Tokens {
  const last = net.graph.op('Transpose', [image], { perm: [0, 2, 3, 1] });
  return { value: net.graph.op('Reshape', [last, net.graph.ints(-1, channels)]), sides: net.graph.op('Shape', [last]) };
}

/** @returns [B, C, H, W] */
export function toImage(net: Net, { value, sides }: Tokens): Value {
  return net.graph.op('Transpose', [net.graph.op('Reshape', [value, sides])], { perm: [0, 3, 1, 2] });
}
