import { type Tensor, zipTensors } from '../tensor/tensor.ts';

const { fround } = Math;

/** Classifier-free guidance (arXiv 2207.12598): u + scale * (c - u), in float32 like torch. */
export function combineGuidance(unconditional: Tensor, conditional: Tensor, scale: number): Tensor {
  const factor = fround(scale);
  return zipTensors(unconditional, conditional, (u, c) => u + fround(factor * fround(c - u)));
}
