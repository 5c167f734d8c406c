import { tensor, type Tensor } from '../tensor/tensor.ts';

const { fround } = Math;

/**
 * The guidance scale as a distilled UNet is told it (arXiv 2310.04378): a sinusoid of 1000 * (scale - 1).
 * Follows get_guidance_scale_embedding of diffusers 0.42, every operation rounded to float32 as there.
 * @param width time_cond_proj_dim of the UNet
 * @returns [rows, width], all rows alike: sines, cosines, and a 0 where `width` is odd
 */
export function guidanceEmbedding(scale: number, width: number, rows: number): Tensor {
  const half = Math.floor(width / 2);
  const w = fround(fround(scale - 1) * 1000);
  const rate = fround(fround(Math.log(10_000)) / (half - 1));
  const row = new Float32Array(width);
  for (let index = 0; index < half; index++) {
    const angle = fround(w * fround(Math.exp(fround(index * -rate))));
    row[index] = Math.sin(angle);
    row[half + index] = Math.cos(angle);
  }
  const data = new Float32Array(rows * width);
  for (let index = 0; index < rows; index++) data.set(row, index * width);
  return tensor([rows, width], data);
}
