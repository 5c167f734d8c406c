import { requireSameDims, type Tensor } from '../tensor/tensor.ts';

const { fround } = Math;

/**
 * Puts what is known back outside the mask: (1 - mask) * known + mask * drawn, rounded as torch does.
 * @param drawn [B, C, h, w]
 * @param mask [B, 1, h, w], 1 where it is drawn
 */
export function blendKnown(drawn: Tensor, known: Tensor, mask: Tensor): Tensor {
  requireSameDims(drawn, known);
  const [rows = 1, channels = 1] = drawn.dims;
  const area = drawn.data.length / (rows * channels);
  const out = new Float32Array(drawn.data.length);
  for (let index = 0; index < out.length; index++) {
    const share = mask.data[Math.floor(index / (area * channels)) * area + (index % area)] ?? 0;
    out[index] = fround(fround(1 - share) * (known.data[index] ?? 0)) + fround(share * (drawn.data[index] ?? 0));
  }
  return { dims: drawn.dims, data: out };
}
