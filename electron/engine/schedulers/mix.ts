import { mapTensor, requireSameDims, type Tensor, zipTensors } from '../tensor/tensor.ts';

const { fround } = Math;

export type Term = readonly [coefficient: number, tensor: Tensor];

/** Coefficient times tensor, summed from left to right; each product and sum is rounded to float32, as torch does. */
export function weightedSum(first: Term, ...rest: readonly Term[]): Tensor {
  const [scale, start] = first;
  const sum = mapTensor(start, (value) => scale * value).data;
  for (const [coefficient, tensor] of rest) {
    requireSameDims(start, tensor);
    const { data } = tensor;
    for (let index = 0; index < sum.length; index++) {
      sum[index] = (sum[index] ?? 0) + fround(coefficient * (data[index] ?? 0));
    }
  }
  return { dims: start.dims, data: sum };
}

/** coefficient * (a - b). */
export function scaledDifference(coefficient: number, a: Tensor, b: Tensor): Tensor {
  return zipTensors(a, b, (x, y) => coefficient * fround(x - y));
}

/** The last `count` tensors of a list with one more at its end. */
export function pushed(history: readonly Tensor[], newest: Tensor, count: number): readonly Tensor[] {
  return [...history, newest].slice(-count);
}
