import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';
import type { Region } from '../../../shared/job.ts';
import { type FitMode, fitImage } from './fit.ts';
import { montage, pasteBack } from './paste.ts';
import { crop, maskCropRegion } from './region.ts';
import { resizeLanczos } from './resample.ts';
import { imageToTensor, latentMask, maskedImage, maskToTensor, requirePainted } from './tensors.ts';

type Sides = readonly [width: number, height: number];
type Box = readonly [left: number, top: number, width: number, height: number];
interface Goldens {
  readonly soft: readonly number[];
  readonly tensors: { readonly image: string; readonly mask: readonly number[]; readonly masked: string; readonly latentMask: readonly number[] };
  readonly resizes: readonly { readonly from: Sides; readonly to: Sides; readonly rgb: string; readonly grey: string }[];
  readonly fits: readonly { readonly from: Sides; readonly to: Sides; readonly mode: FitMode; readonly rgb: string; readonly grey: string }[];
  readonly regions: readonly { readonly sides: Sides; readonly painted: readonly Box[]; readonly drawing: Sides; readonly padding: number; readonly region: Region }[];
  readonly pastes: readonly { readonly sides: Sides; readonly painted: readonly Box[]; readonly region: Box | null; readonly drawing: Sides; readonly rgb: string }[];
}
const goldens = JSON.parse(readFileSync(new URL('golden/images.json', import.meta.url), 'utf8')) as Goldens;

/** The formula of the recipe. */
function noise(count: number, salt: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => {
    const i = index + salt;
    return (i * 7919 + ((i * i) % 251) * 31 + Math.floor(i / 97)) % 256;
  });
}
const picture = ([width, height]: Sides, salt = 0): RgbImage => ({ width, height, rgb: noise(width * height * 3, salt) });
const greyPicture = ([width, height]: Sides): GreyImage => ({ width, height, grey: noise(width * height, 0) });

function maskOf([width, height]: Sides, painted: readonly Box[], value = 255): GreyImage {
  const grey = new Uint8Array(width * height);
  for (const [left, top, wide, high] of painted) {
    for (let y = top; y < top + high; y++) grey.fill(value, y * width + left, y * width + left + wide);
  }
  return { width, height, grey };
}

function sha(data: Uint8Array | Float32Array): string {
  return createHash('sha256').update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest('hex');
}

describe('resizeLanczos is Pillow, byte for byte', () => {
  it.each(goldens.resizes)('$from to $to', ({ from, to, rgb, grey }) => {
    const colour = resizeLanczos(picture(from), ...to);
    expect([colour.width, colour.height]).toEqual(to);
    expect(sha(colour.rgb)).toBe(rgb);
    expect(sha(resizeLanczos(greyPicture(from), ...to).grey)).toBe(grey);
  });
});

describe('fitImage is VaeImageProcessor.resize, byte for byte', () => {
  it.each(goldens.fits)('$from to $to, $mode', ({ from, to, mode, rgb, grey }) => {
    expect(sha(fitImage(picture(from), ...to, mode).rgb)).toBe(rgb);
    expect(sha(fitImage(greyPicture(from), ...to, mode).grey)).toBe(grey);
  });

  it('fills around a picture so thin that nothing would be left of it', () => {
    expect(fitImage(picture([2000, 1]), 64, 64, 'fill').rgb).toHaveLength(64 * 64 * 3);
    expect(fitImage(picture([1, 2000]), 64, 64, 'fill').rgb).toHaveLength(64 * 64 * 3);
  });
});

describe('the tensors of a picture and its mask are those of VaeImageProcessor', () => {
  const image = imageToTensor(picture([16, 8]));
  const grey = Uint8Array.from({ length: 128 }, (_, index) => Math.round(120 + (index * 15) / 127));
  const mask = maskToTensor({ width: 16, height: 8, grey });

  it('picture in -1..1, mask of 0 and 1, picture without the masked part', () => {
    expect(image.dims).toEqual([1, 3, 8, 16]);
    expect(sha(image.data)).toBe(goldens.tensors.image);
    expect(mask.dims).toEqual([1, 1, 8, 16]);
    expect(Array.from(mask.data)).toEqual(goldens.tensors.mask);
    expect(sha(maskedImage(image, mask).data)).toBe(goldens.tensors.masked);
  });

  it('mask at the size of the latents', () => {
    const small = latentMask(maskToTensor(greyPicture([64, 32])), 8);
    expect(small.dims).toEqual([1, 1, 4, 8]);
    expect(Array.from(small.data)).toEqual(goldens.tensors.latentMask);
  });

  it('refuses what does not fit together', () => {
    expect(() => latentMask(mask, 3)).toThrow(/1\/3/);
    expect(() => maskedImage(image, maskToTensor(greyPicture([8, 8])))).toThrow(/does not fit/);
  });
});

describe('the region around a mask', () => {
  it.each(goldens.regions)('$painted of $sides for $drawing, padding $padding', ({ sides, painted, drawing, padding, region }) => {
    expect(maskCropRegion(maskOf(sides, painted, 1), ...drawing, padding)).toEqual(region);
    const inside = crop(picture(sides), region);
    expect(inside.rgb).toHaveLength(region.width * region.height * 3);
  });

  it('is none where nothing is painted', () => {
    const empty = maskOf([20, 10], []);
    const refused = { code: 'INVALID_INPUT', field: 'mask', message: 'mask: Nothing is painted in the mask.' };
    expect(() => maskCropRegion(empty, 64, 64, 0)).toThrow(expect.objectContaining(refused) as Error);
    expect(() => requirePainted(empty)).toThrow(expect.objectContaining(refused) as Error);
    expect(() => requirePainted(maskOf([20, 10], [[0, 0, 20, 10]], 127))).toThrow(/Nothing is painted/);
    requirePainted(maskOf([20, 10], [[19, 9, 1, 1]], 128));
  });

  it('is cut out of the picture', () => {
    const image = picture([5, 4]);
    const part = crop(image, { left: 3, top: 1, width: 2, height: 2 });
    expect(Array.from(part.rgb)).toEqual([...image.rgb.subarray(24, 30), ...image.rgb.subarray(39, 45)]);
    expect(Array.from(crop(greyPicture([5, 4]), { left: 1, top: 3, width: 1, height: 1 }).grey)).toEqual([greyPicture([5, 4]).grey[16]]);
    expect(() => crop(image, { left: 4, top: 0, width: 2, height: 1 })).toThrow(/outside/);
  });
});

describe('pasteBack', () => {
  it.each(goldens.pastes)('is apply_overlay: $painted of $sides, drawn at $region', ({ sides, painted, region, drawing, rgb }) => {
    const [left = 0, top = 0, width = 0, height = 0] = region ?? [];
    const where = region === null ? null : { left, top, width, height };
    const result = pasteBack(picture(sides), picture(drawing, 1000), maskOf(sides, painted), where);
    expect(sha(result.rgb)).toBe(rgb);
  });

  it('is at most a level away from apply_overlay where the mask is soft', () => {
    const ramp: GreyImage = { width: 16, height: 16, grey: Uint8Array.from({ length: 256 }, (_, index) => index) };
    const { rgb } = pasteBack(picture([16, 16]), picture([16, 16], 1000), ramp, null);
    expect(goldens.soft).toHaveLength(rgb.length);
    expect(Math.max(...goldens.soft.map((value, index) => Math.abs(value - (rgb[index] ?? NaN))))).toBeLessThanOrEqual(1);
  });

  it('blends where the mask is soft, to the nearest', () => {
    const original = { width: 4, height: 1, rgb: Uint8Array.of(0, 100, 255, 0, 100, 255, 0, 100, 255, 0, 100, 255) };
    const drawn = { width: 4, height: 1, rgb: Uint8Array.of(255, 200, 0, 255, 200, 0, 255, 200, 0, 255, 200, 0) };
    const mask = { width: 4, height: 1, grey: Uint8Array.of(0, 1, 128, 255) };
    expect(Array.from(pasteBack(original, drawn, mask, null).rgb)).toEqual([0, 100, 255, 1, 100, 254, 128, 150, 127, 255, 200, 0]);
    expect(original.rgb[9]).toBe(0);
  });

  it('refuses sides that do not fit', () => {
    const mask = maskOf([8, 8], []);
    expect(() => pasteBack(picture([8, 8]), picture([8, 9]), mask, null)).toThrow(/drawing of 8 x 9/);
    expect(() => pasteBack(picture([8, 9]), picture([8, 9]), mask, null)).toThrow(/mask of 8 x 8/);
  });
});

describe('montage', () => {
  const dot = (value: number): RgbImage => ({ width: 1, height: 1, rgb: Uint8Array.of(value, value, value) });
  it('lays pictures in rows', () => {
    const { width, height, rgb } = montage([dot(1), dot(2), dot(3)]);
    expect([width, height]).toEqual([2, 2]);
    expect(Array.from(rgb)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0]);
    const five = montage([1, 2, 3, 4, 5].map(dot));
    expect([five.width, five.height]).toEqual([3, 2]);
    expect(montage([dot(7)])).toEqual(dot(7));
  });
  it('refuses none, and pictures of different sizes', () => {
    expect(() => montage([])).toThrow(/no pictures/);
    expect(() => montage([dot(1), picture([2, 1])])).toThrow(/picture of 2 x 1/);
  });
});
