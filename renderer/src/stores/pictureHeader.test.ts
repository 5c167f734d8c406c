import { describe, expect, it } from 'vitest';
import { readPictureHeader } from './pictureHeader.ts';
import { isTooLarge, sidesForModel } from './pictureSize.ts';

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const bytes = (...parts: (number | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? ascii(part) : [part])));
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

const pngStart = [0x89, 'PNG', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 'IHDR', 0, 0, 4, 0, 0, 0, 3, 0] as const;

describe('the header of', () => {
  it('a PNG: sides, depth', () => {
    expect(readPictureHeader(bytes(...pngStart, 16, 6, 0, 0, 0, ...zeros(4)))).toEqual({ kind: 'png', width: 1024, height: 768, animated: false, deep: true });
  });

  it('an animated PNG, and one whose animation has a single frame', () => {
    const actl = (frames: number) => bytes(...pngStart, 8, 6, 0, 0, 0, ...zeros(4), 0, 0, 0, 8, 'acTL', 0, 0, 0, frames, ...zeros(8), ...zeros(4), 'IDAT');
    expect(readPictureHeader(actl(2))?.animated).toBe(true);
    expect(readPictureHeader(actl(1))?.animated).toBe(false);
  });

  it('a JPEG, past its other segments', () => {
    const jpeg = bytes(0xff, 0xd8, 0xff, 0xe1, 0, 6, 1, 2, 3, 4, 0xff, 0xc2, 0, 17, 8, 0x01, 0x2c, 0x02, 0x58, 3, ...zeros(9));
    expect(readPictureHeader(jpeg)).toEqual({ kind: 'jpeg', width: 600, height: 300, animated: false, deep: false });
  });

  it('a GIF with one frame and with two', () => {
    const start = ['GIF89a', 10, 0, 7, 0, 0, 0, 0] as const;
    const frame = [0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, ...zeros(8), 0, 2, 3, 1, 2, 3, 0] as const;
    expect(readPictureHeader(bytes(...start, ...frame, 0x3b))).toMatchObject({ width: 10, height: 7, animated: false });
    expect(readPictureHeader(bytes(...start, ...frame, ...frame, 0x3b))?.animated).toBe(true);
  });

  it('a WebP in each of its three forms', () => {
    const riff = ['RIFF', ...zeros(4), 'WEBP'] as const;
    expect(readPictureHeader(bytes(...riff, 'VP8X', 10, 0, 0, 0, 2, 0, 0, 0, 0x3f, 0, 0, 0x1f, 0, 0))).toMatchObject({ width: 64, height: 32, animated: true });
    expect(readPictureHeader(bytes(...riff, 'VP8L', ...zeros(4), 0x2f, 0x3f, 0xc0, 0x07, 0, ...zeros(8)))).toMatchObject({ width: 64, height: 32 });
    expect(readPictureHeader(bytes(...riff, 'VP8 ', ...zeros(4), 0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 32, 0, ...zeros(4)))).toMatchObject({ width: 64, height: 32 });
  });

  it('an AVIF, whatever its first brand, but no HEIC', () => {
    const file = (brand: string, compatible: string): Uint8Array =>
      bytes(0, 0, 0, 20, 'ftyp', brand, 0, 0, 0, 0, compatible, ...zeros(8), 'ispe', ...zeros(4), 0, 0, 2, 0, 0, 0, 1, 0, ...zeros(20));
    expect(readPictureHeader(file('avif', 'mif1'))).toMatchObject({ kind: 'avif', width: 512, height: 256, animated: false });
    expect(readPictureHeader(file('mif1', 'avif'))?.kind).toBe('avif');
    expect(readPictureHeader(file('avis', 'avif'))?.animated).toBe(true);
    expect(readPictureHeader(file('heic', 'mif1'))).toBeNull();
  });

  it('anything else is no picture, and a cut one is not read past its end', () => {
    expect(readPictureHeader(bytes('%PDF-1.7'))).toBeNull();
    expect(readPictureHeader(new Uint8Array(0))).toBeNull();
    expect(readPictureHeader(bytes(0x89, 'PNG', 0x0d, 0x0a, 0x1a, 0x0a, 0))).toMatchObject({ width: null });
    expect(readPictureHeader(bytes(0xff, 0xd8, 0xff, 0xe0, 0, 16))).toMatchObject({ width: null });
    expect(readPictureHeader(bytes('GIF89a', 10))).toMatchObject({ width: null });
    expect(readPictureHeader(bytes('RIFF', ...zeros(4), 'WEBPVP8X'))).toMatchObject({ width: null });
  });
});

describe('the size for a model', () => {
  const starter = { width: 192, height: 192, minSide: 64, maxSide: 384, sizeMultiple: 8 };

  it.each([
    [200, 150, 200, 144],
    [256, 256, 256, 256],
    // From there on the model draws things twice: as many pixels as it was made for.
    [264, 264, 192, 192],
    [1024, 768, 216, 160],
    [4000, 3000, 216, 160],
    [30, 60, 64, 128],
    [3000, 100, 384, 64],
  ])('of a picture %i x %i', (width, height, wide, high) => {
    expect(sidesForModel({ width, height }, starter)).toEqual({ width: wide, height: high });
  });

  it('knows what is too large to be taken', () => {
    expect(isTooLarge({ width: 8000, height: 8000 })).toBe(false);
    expect(isTooLarge({ width: 8001, height: 8000 })).toBe(true);
    expect(isTooLarge({ width: 16_385, height: 2 })).toBe(true);
  });
});
