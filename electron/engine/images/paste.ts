import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { Region } from '../../../shared/job.ts';
import { fitImage } from './fit.ts';
import { blank, pasteInto, rasterOf, rgbOf } from './raster.ts';

/**
 * Lays what was drawn over the original where the mask is white, and blends by the mask's value where it is soft; black
 * keeps the original's very bytes. Equal to `VaeImageProcessor.apply_overlay` for a mask of 0 and 255, and at most a level
 * away between the two: it rounds more than once.
 * @param mask sides of the original
 * @param region where the drawing belongs: it is brought to the region's size. null: all over; it has the sides of the original.
 */
export function pasteBack(original: RgbImage, drawn: RgbImage, mask: GreyImage, region: Region | null): RgbImage {
  const { width, height } = original;
  requireSides('A mask', mask, width, height);
  if (region === null) requireSides('A drawing', drawn, width, height);
  const fitted = region === null ? drawn : fitImage(drawn, region.width, region.height, 'crop');
  const { left, top } = region ?? { left: 0, top: 0 };
  const rgb = Uint8Array.from(original.rgb);
  for (let y = 0; y < fitted.height; y++) {
    for (let x = 0; x < fitted.width; x++) {
      const pixel = (y + top) * width + x + left;
      const weight = mask.grey[pixel] ?? 0;
      if (weight === 0) continue;
      const from = (y * fitted.width + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const to = pixel * 3 + channel;
        rgb[to] = blend(rgb[to] ?? 0, fitted.rgb[from + channel] ?? 0, weight);
      }
    }
  }
  return { width, height, rgb };
}

/** `below` under `above` of opacity `weight` / 255, rounded to the nearest. */
function blend(below: number, above: number, weight: number): number {
  return Math.floor((below * (255 - weight) + above * weight + 127) / 255);
}

function requireSides(what: string, image: { readonly width: number; readonly height: number }, width: number, height: number): void {
  if (image.width === width && image.height === height) return;
  const message = `${what} of ${image.width} x ${image.height} does not fit a picture of ${width} x ${height}.`;
  throw new StopbathError({ code: 'INTERNAL', message });
}

/** Pictures of one size side by side in rows, as near to a square of pictures as their number allows; empty places stay black. */
export function montage(images: readonly RgbImage[]): RgbImage {
  const [first] = images;
  if (first === undefined) throw new StopbathError({ code: 'INTERNAL', message: 'There are no pictures to lay out.' });
  if (images.length === 1) return first;
  const columns = Math.ceil(Math.sqrt(images.length));
  const rows = Math.ceil(images.length / columns);
  const { width, height } = first;
  const result = blank(columns * width, rows * height, 3);
  images.forEach((image, index) => {
    requireSides('A picture', image, width, height);
    pasteInto(result, rasterOf(image), (index % columns) * width, Math.floor(index / columns) * height);
  });
  return rgbOf(result);
}
