import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';

/** 8-bit samples, row by row, `channels` to a pixel: what colour and grey pictures have in common. Shares their bytes. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

export function rasterOf(image: RgbImage | GreyImage): Raster {
  const { width, height } = image;
  return 'rgb' in image ? { width, height, channels: 3, data: image.rgb } : { width, height, channels: 1, data: image.grey };
}

export function rgbOf({ width, height, data }: Raster): RgbImage {
  return { width, height, rgb: data };
}

export function greyOf({ width, height, data }: Raster): GreyImage {
  return { width, height, grey: data };
}

export function blank(width: number, height: number, channels: number): Raster {
  return { width, height, channels, data: new Uint8Array(width * height * channels) };
}

/** Copies `source` into `target` with its corner at (left, top), as far as it lies inside. */
export function pasteInto(target: Raster, source: Raster, left: number, top: number): void {
  const { channels } = target;
  const from = Math.max(0, -left);
  const to = Math.min(source.width, target.width - left);
  if (to <= from) return;
  for (let y = Math.max(0, -top); y < Math.min(source.height, target.height - top); y++) {
    const row = y * source.width;
    const pixels = source.data.subarray((row + from) * channels, (row + to) * channels);
    target.data.set(pixels, ((y + top) * target.width + left + from) * channels);
  }
}
