import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { roundHalfEven } from '../tensor/float16.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { PreviewMap } from './latentSpace.ts';

/** -1..1 to 0..255, ties to even like numpy. */
export function toByte(value: number): number {
  const unit = Math.fround(Math.fround(value / 2) + 0.5);
  return roundHalfEven(Math.fround(Math.min(Math.max(unit, 0), 1) * 255));
}

/** Model-scale latents [B, C, h, w] as B pictures of h x w pixels. */
export function projectLatents(latents: Tensor, map: PreviewMap): RgbImage[] {
  const [rows = 0, channels = 0, height = 0, width = 0] = latents.dims;
  const size = channels * height * width;
  return Array.from({ length: rows }, (_, row) => projectOne(latents.data.subarray(row * size, (row + 1) * size), width, height, map));
}

function projectOne(latents: Float32Array, width: number, height: number, map: PreviewMap): RgbImage {
  const area = height * width;
  const rgb = new Uint8Array(area * 3);
  for (let pixel = 0; pixel < area; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      let value = map.bias[colour] ?? 0;
      map.factors.forEach((row, channel) => {
        value += (row[colour] ?? 0) * (latents[channel * area + pixel] ?? 0);
      });
      rgb[pixel * 3 + colour] = toByte(value);
    }
  }
  return { width, height, rgb };
}
