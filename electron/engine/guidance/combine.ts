import { requireSameDims, type Tensor } from '../tensor/tensor.ts';

const { fround } = Math;

/** Classifier-free guidance (arXiv 2207.12598): u + scale * (c - u), in float32 like torch. */
export function combineGuidance(unconditional: Tensor, conditional: Tensor, scale: number): Tensor {
  requireSameDims(unconditional, conditional);
  const [us, cs] = [unconditional.data, conditional.data];
  const factor = fround(scale);
  const out = new Float32Array(us.length);
  for (let index = 0; index < out.length; index++) {
    const u = us[index] ?? 0;
    out[index] = u + fround(factor * fround((cs[index] ?? 0) - u));
  }
  return { dims: unconditional.dims, data: out };
}

/**
 * Brings the guided output back to the spread of the conditional one, by a share of phi: section 3.4 of arXiv 2305.08891.
 * Follows rescale_noise_cfg of diffusers 0.42: one standard deviation a picture, with divisor n - 1.
 * @param guided [B, C, h, w]
 * @param phi 0 changes nothing
 */
export function rescaleGuidance(guided: Tensor, conditional: Tensor, phi: number): Tensor {
  const rows = guided.dims[0] ?? 1;
  const size = guided.data.length / rows;
  const [share, rest] = [fround(phi), fround(1 - phi)];
  const out = new Float32Array(guided.data.length);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * size, (row + 1) * size];
    const factor = fround(deviation(conditional.data.subarray(from, to)) / deviation(guided.data.subarray(from, to)));
    for (let index = from; index < to; index++) {
      const value = guided.data[index] ?? 0;
      out[index] = fround(share * fround(value * factor)) + fround(rest * value);
    }
  }
  return { dims: guided.dims, data: out };
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return fround(Math.sqrt(squares / (values.length - 1)));
}
