import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';
import { assertNever } from '../../../shared/errors.ts';
import { bicubic, lanczos, resample } from './resample.ts';
import { blank, greyOf, pasteInto, type Raster, rasterOf, rgbOf } from './raster.ts';

/**
 * diffusers' resize modes. `default`: stretched to the sides. `crop`: covers them, what stands over is cut off. `fill`:
 * fits into them, the borders filled with the picture's edge.
 */
export type FitMode = 'default' | 'crop' | 'fill';

/** `VaeImageProcessor.resize` of a PIL picture (LANCZOS), byte for byte. */
export function fitImage(image: RgbImage, width: number, height: number, mode: FitMode): RgbImage;
export function fitImage(image: GreyImage, width: number, height: number, mode: FitMode): GreyImage;
export function fitImage(image: RgbImage | GreyImage, width: number, height: number, mode: FitMode): RgbImage | GreyImage {
  const fitted = fitRaster(rasterOf(image), width, height, mode);
  return 'rgb' in image ? rgbOf(fitted) : greyOf(fitted);
}

function fitRaster(image: Raster, width: number, height: number, mode: FitMode): Raster {
  switch (mode) {
    case 'default':
      return resample(image, width, height, lanczos);
    case 'crop':
      return resizeAndCrop(image, width, height);
    case 'fill':
      return resizeAndFill(image, width, height);
    default:
      return assertNever(mode);
  }
}

const halved = (side: number): number => Math.floor(side / 2);

function resizeAndCrop(image: Raster, width: number, height: number): Raster {
  const ratio = width / height;
  const ownRatio = image.width / image.height;
  const fullWidth = ratio > ownRatio ? width : Math.floor((image.width * height) / image.height);
  const fullHeight = ratio <= ownRatio ? height : Math.floor((image.height * width) / image.width);
  const result = blank(width, height, image.channels);
  const left = halved(width) - halved(fullWidth);
  pasteInto(result, resample(image, fullWidth, fullHeight, lanczos), left, halved(height) - halved(fullHeight));
  return result;
}

function resizeAndFill(image: Raster, width: number, height: number): Raster {
  const ratio = width / height;
  const ownRatio = image.width / image.height;
  // An extreme picture would shrink to nothing, which Pillow refuses.
  const innerWidth = ratio < ownRatio ? width : Math.max(1, Math.floor((image.width * height) / image.height));
  const innerHeight = ratio >= ownRatio ? height : Math.max(1, Math.floor((image.height * width) / image.width));
  const inner = resample(image, innerWidth, innerHeight, lanczos);
  const result = blank(width, height, image.channels);
  const left = halved(width) - halved(innerWidth);
  const top = halved(height) - halved(innerHeight);
  pasteInto(result, inner, left, top);
  // An empty span at an edge repeats that edge, smoothed by the filter.
  if (ratio < ownRatio && top > 0) {
    pasteInto(result, resample(inner, width, top, bicubic, { y: { from: 0, to: 0 } }), 0, 0);
    const below = resample(inner, width, top, bicubic, { y: { from: innerHeight, to: innerHeight } });
    pasteInto(result, below, 0, top + innerHeight);
  } else if (ratio > ownRatio && left > 0) {
    pasteInto(result, resample(inner, left, height, bicubic, { x: { from: 0, to: 0 } }), 0, 0);
    const beside = resample(inner, left, height, bicubic, { x: { from: innerWidth, to: innerWidth } });
    pasteInto(result, beside, left + innerWidth, 0);
  }
  return result;
}
