import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { Region } from '../../../shared/job.ts';
import { blank, greyOf, pasteInto, rasterOf, rgbOf } from './raster.ts';
import { nothingPainted } from './tensors.ts';

/** Both ends of a side of a region; `to` is not part of it. */
interface Side {
  readonly from: number;
  readonly to: number;
}

/**
 * The part of a picture that is drawn when only the surroundings of a mask are: what is painted at all (value above 0), with
 * `padding` pixels around, grown to the aspect ratio of the drawing as far as the picture goes.
 * Equal to `VaeImageProcessor.get_crop_region`.
 * @param width of the drawing
 * @param height of the drawing
 * @throws StopbathError `INVALID_INPUT`, field `mask`, when nothing is painted.
 */
export function maskCropRegion(mask: GreyImage, width: number, height: number, padding: number): Region {
  const bounds = paintedBounds(mask);
  let x = padded(bounds.x, padding, mask.width);
  let y = padded(bounds.y, padding, mask.height);
  const ratio = width / height;
  if (sizeOf(x) / sizeOf(y) > ratio) y = grown(y, sizeOf(x) / ratio, mask.height);
  else x = grown(x, sizeOf(y) * ratio, mask.width);
  return { left: x.from, top: y.from, width: sizeOf(x), height: sizeOf(y) };
}

const sizeOf = ({ from, to }: Side): number => to - from;

function padded({ from, to }: Side, padding: number, limit: number): Side {
  return { from: Math.max(from - padding, 0), to: Math.min(to + padding, limit) };
}

/** Grows a side to `wanted` pixels around its middle, then moves it into the picture. */
function grown({ from, to }: Side, wanted: number, limit: number): Side {
  const more = Math.trunc(wanted - (to - from));
  const before = Math.floor(more / 2);
  const over = Math.max(to + more - before - limit, 0);
  const start = from - before - over;
  const end = to + more - before - over;
  return start < 0 ? { from: 0, to: Math.min(end - start, limit) } : { from: start, to: end };
}

function paintedBounds({ width, height, grey }: GreyImage): { readonly x: Side; readonly y: Side } {
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (let y = 0; y < height; y++) {
    const row = grey.subarray(y * width, (y + 1) * width);
    const first = row.findIndex((value) => value > 0);
    if (first < 0) continue;
    top = Math.min(top, y);
    bottom = y + 1;
    left = Math.min(left, first);
    right = Math.max(right, row.findLastIndex((value) => value > 0) + 1);
  }
  if (bottom === 0) throw nothingPainted();
  return { x: { from: left, to: right }, y: { from: top, to: bottom } };
}

/** A part of a picture, copied. @throws StopbathError `INTERNAL` when it reaches beyond. */
export function crop(image: RgbImage, region: Region): RgbImage;
export function crop(image: GreyImage, region: Region): GreyImage;
export function crop(image: RgbImage | GreyImage, region: Region): RgbImage | GreyImage {
  const { left, top, width, height } = region;
  const inside = left >= 0 && top >= 0 && width > 0 && height > 0 && left + width <= image.width && top + height <= image.height;
  if (!inside) {
    const message = `${width} x ${height} at ${left}, ${top} lies outside a picture of ${image.width} x ${image.height}.`;
    throw new StopbathError({ code: 'INTERNAL', message });
  }
  const raster = rasterOf(image);
  const result = blank(width, height, raster.channels);
  pasteInto(result, raster, -left, -top);
  return 'rgb' in image ? rgbOf(result) : greyOf(result);
}
