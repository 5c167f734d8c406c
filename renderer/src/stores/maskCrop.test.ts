import { expect, it } from 'vitest';
import { maskCropRegion } from './maskCrop.ts';

type Row = readonly [number, number, number, number, number, number, number, number, number, number, number, number, number];

/**
 * diffusers 0.42.1, `VaeImageProcessor.get_crop_region` of a white rectangle: picture width and height, the rectangle's left,
 * top, width and height, target width and height, padding; then x1, y1, x2, y2.
 */
const golden: readonly Row[] = [
  [64, 64, 45, 3, 15, 50, 768, 512, 0, 0, 3, 64, 53],
  [300, 500, 57, 190, 121, 127, 128, 128, 200, 0, 0, 300, 500],
  [1024, 768, 510, 13, 222, 418, 384, 640, 0, 496, 13, 746, 431],
  [777, 333, 163, 36, 143, 228, 768, 512, 0, 64, 36, 406, 264],
  [1024, 768, 10, 214, 793, 221, 768, 512, 0, 10, 61, 803, 589],
  [64, 64, 40, 25, 18, 14, 768, 512, 0, 39, 25, 60, 39],
  [777, 333, 305, 11, 185, 213, 768, 512, 0, 238, 11, 557, 224],
  [64, 64, 8, 42, 20, 20, 512, 512, 200, 0, 0, 64, 64],
  [64, 64, 8, 39, 23, 10, 128, 128, 8, 0, 25, 39, 64],
  [300, 500, 246, 241, 46, 91, 512, 512, 8, 193, 233, 300, 340],
  [1024, 768, 732, 413, 10, 282, 128, 128, 8, 588, 405, 886, 703],
  [777, 333, 592, 4, 116, 24, 768, 512, 200, 392, 0, 777, 256],
  [300, 500, 60, 386, 63, 105, 128, 128, 8, 31, 378, 152, 499],
  [64, 64, 32, 59, 7, 5, 384, 640, 8, 24, 26, 47, 64],
  [1024, 768, 886, 93, 54, 349, 384, 640, 0, 809, 93, 1018, 442],
  [64, 64, 35, 11, 10, 44, 384, 640, 8, 22, 3, 58, 63],
  [300, 500, 40, 320, 77, 177, 384, 640, 32, 8, 265, 149, 500],
  [300, 500, 24, 41, 274, 208, 512, 512, 0, 24, 8, 298, 282],
  [64, 64, 32, 58, 27, 2, 512, 512, 0, 32, 37, 59, 64],
  [777, 333, 342, 106, 67, 188, 768, 512, 32, 187, 74, 565, 326],
  [1024, 768, 345, 444, 382, 77, 512, 512, 32, 313, 260, 759, 706],
  [64, 64, 18, 58, 40, 2, 128, 128, 32, 0, 0, 64, 64],
  [64, 64, 61, 35, 2, 16, 128, 128, 0, 48, 35, 64, 51],
  [1024, 768, 772, 544, 246, 46, 128, 128, 8, 764, 437, 1024, 697],
];

it.each(golden)('draws the same part of a picture as diffusers: %i x %i', (width, height, left, top, across, down, targetWidth, targetHeight, padding, x1, y1, x2, y2) => {
  const region = maskCropRegion({ left, top, width: across, height: down }, { width, height }, { width: targetWidth, height: targetHeight }, padding);
  expect(region).toEqual({ left: x1, top: y1, width: x2 - x1, height: y2 - y1 });
});
