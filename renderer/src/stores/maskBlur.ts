import type { Region } from '../../../shared/job.ts';
import { measureMask, type MaskRaster } from './maskRaster.ts';

const passes = 3;

/**
 * Softens the mask's edges: three box blurs of a radius that together come near a Gaussian with that standard deviation
 * (W. Wells, 1986). The border repeats, so that a mask that reaches it does not fade there.
 * @returns the pixels that may have changed; null for an empty mask.
 */
export function featherMask(raster: MaskRaster, sigma: number): Region | null {
  const { bounds } = measureMask(raster);
  if (bounds === null || sigma <= 0) return null;
  // Variance of a box of 2r + 1 pixels is ((2r + 1)^2 - 1) / 12; three passes add up.
  const radius = Math.max(1, Math.round((Math.sqrt((12 * sigma * sigma) / passes + 1) - 1) / 2));
  const reach = passes * radius;
  const left = Math.max(0, bounds.left - reach);
  const top = Math.max(0, bounds.top - reach);
  const right = Math.min(raster.width, bounds.left + bounds.width + reach);
  const bottom = Math.min(raster.height, bounds.top + bounds.height + reach);
  const region = { left, top, width: right - left, height: bottom - top };
  const line = new Uint8Array(Math.max(region.width, region.height));
  for (let pass = 0; pass < passes; pass++) {
    for (let y = top; y < bottom; y++) blurLine(raster.data, y * raster.width + left, 1, region.width, radius, line);
    for (let x = left; x < right; x++) blurLine(raster.data, top * raster.width + x, raster.width, region.height, radius, line);
  }
  return region;
}

function blurLine(data: Uint8Array, start: number, stride: number, count: number, radius: number, line: Uint8Array): void {
  for (let index = 0; index < count; index++) line[index] = data[start + index * stride] ?? 0;
  const last = count - 1;
  const span = 2 * radius + 1;
  let sum = 0;
  for (let offset = -radius; offset <= radius; offset++) sum += line[Math.min(last, Math.max(0, offset))] ?? 0;
  for (let index = 0; index < count; index++) {
    data[start + index * stride] = Math.round(sum / span);
    sum += (line[Math.min(last, index + radius + 1)] ?? 0) - (line[Math.max(0, index - radius)] ?? 0);
  }
}
