import { describe, expect, it } from 'vitest';
import type { GreyImage, RgbImage, RunInputs } from '../../../shared/engineProtocol.ts';
import { drawnRegion, finishImages, maskedPicture, picturePixels, requireInputs } from './pictureInput.ts';

const frame = { task: 'inpaint', width: 16, height: 8, maskPadding: null, keepUnmasked: true } as const;

const flat = (width: number, height: number, value: number): RgbImage => ({ width, height, rgb: new Uint8Array(width * height * 3).fill(value) });

/** White in the rectangle. */
function maskOf(width: number, height: number, left: number, top: number, wide: number, high: number): GreyImage {
  const grey = new Uint8Array(width * height);
  for (let y = top; y < top + high; y++) grey.fill(255, y * width + left, y * width + left + wide);
  return { width, height, grey };
}

const redOf = ({ rgb, width }: RgbImage, x: number, y: number): number | undefined => rgb[(y * width + x) * 3];

describe('what a run hands out', () => {
  const drawn = [flat(16, 8, 200), flat(16, 8, 100)];
  const inputs: RunInputs = { image: flat(16, 8, 10), mask: maskOf(16, 8, 4, 0, 4, 8) };

  it('is what was drawn where there is no mask, or the rest may change', () => {
    expect(finishImages(drawn, frame, null)).toBe(drawn);
    expect(finishImages(drawn, frame, { ...inputs, mask: null })).toBe(drawn);
    expect(finishImages(drawn, { ...frame, keepUnmasked: false }, inputs)).toBe(drawn);
    expect(finishImages(drawn, { ...frame, task: 'image-to-image' }, inputs)).toBe(drawn);
  });

  it('keeps the picture outside the mask, for every picture of a batch', () => {
    const finished = finishImages(drawn, frame, inputs);
    expect(finished.map((image) => [redOf(image, 0, 0), redOf(image, 5, 3), redOf(image, 8, 3)])).toEqual([[10, 200, 10], [10, 100, 10]]);
  });

  it('has the sides of the request, with soft edges where the mask was stretched', () => {
    const small: RunInputs = { image: flat(8, 4, 10), mask: maskOf(8, 4, 4, 0, 4, 4) };
    const [image] = finishImages([flat(16, 8, 200)], frame, small);
    expect(image).toMatchObject({ width: 16, height: 8 });
    const row = Array.from({ length: 16 }, (_, x) => (image === undefined ? undefined : redOf(image, x, 4)));
    expect([row[0], row[15]]).toEqual([10, 200]);
    expect(row.filter((value) => value !== undefined && value > 10 && value < 200).length).toBeGreaterThan(0);
  });

  it('has the sides of the picture where only the surroundings of the mask were drawn', () => {
    const large: RunInputs = { image: flat(64, 64, 10), mask: maskOf(64, 64, 20, 30, 8, 4) };
    const padded = { ...frame, maskPadding: 2, keepUnmasked: false };
    expect(drawnRegion(padded, large)).toEqual({ left: 16, top: 28, width: 16, height: 8 });
    const [image] = finishImages([flat(16, 8, 200)], padded, large);
    if (image === undefined) throw new Error('no picture');
    expect([image.width, image.height]).toEqual([64, 64]);
    expect([redOf(image, 19, 31), redOf(image, 20, 31), redOf(image, 27, 33), redOf(image, 28, 33)]).toEqual([10, 200, 200, 10]);
  });
});

describe('what a run begins with', () => {
  it('is stretched to the sides of the request', () => {
    expect(picturePixels({ image: flat(5, 7, 255), mask: null }, frame).dims).toEqual([1, 3, 8, 16]);
  });

  it('is grey where it is painted again, and the mask is a value a latent', () => {
    const picture = maskedPicture(frame, { image: flat(16, 8, 255), mask: maskOf(16, 8, 8, 0, 8, 8) }, 8);
    expect(picture.pixels.data[8]).toBe(1);
    expect([picture.masked.data[7], picture.masked.data[8]]).toEqual([1, 0]);
    expect(picture.mask.dims).toEqual([1, 1, 1, 2]);
    expect(Array.from(picture.mask.data)).toEqual([0, 1]);
  });

  it('is refused where it is missing, empty or does not fit', () => {
    const refused = (field: string, message: RegExp): Error =>
      expect.objectContaining({ code: 'INVALID_INPUT', field, message: expect.stringMatching(message) as unknown }) as Error;
    const image = flat(16, 8, 0);
    expect(() => requireInputs(null)).toThrow(refused('image', /missing/));
    expect(() => maskedPicture(frame, { image, mask: null }, 8)).toThrow(refused('mask', /missing/));
    expect(() => maskedPicture(frame, { image, mask: maskOf(8, 8, 0, 0, 8, 8) }, 8)).toThrow(refused('mask', /16 x 8, not 8 x 8/));
    expect(() => maskedPicture(frame, { image, mask: maskOf(16, 8, 0, 0, 0, 0) }, 8)).toThrow(refused('mask', /Nothing is painted/));
  });
});
