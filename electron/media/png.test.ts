import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodePng, readPngSize, readPngTexts } from './png.ts';
import { pngChunk, pngChunks, pngSignature } from './pngChunks.ts';

const image = { width: 3, height: 2, rgb: Uint8Array.from({ length: 18 }, (_, index) => (index * 37) % 256) };

/** The pixels again, by the PNG specification's "Up" filter. */
function pixels(png: Buffer, width: number, height: number): number[] {
  const data = Buffer.concat([...pngChunks(png)].filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data));
  const rows = inflateSync(data);
  const out: number[] = [];
  for (let y = 0; y < height; y++) {
    expect(rows[y * (width * 3 + 1)]).toBe(2);
    for (let x = 0; x < width * 3; x++) {
      const above = y === 0 ? 0 : (out[(y - 1) * width * 3 + x] ?? 0);
      out.push(((rows[y * (width * 3 + 1) + 1 + x] ?? 0) + above) % 256);
    }
  }
  return out;
}

describe('encodePng', () => {
  it('keeps every pixel', async () => {
    const png = await encodePng(image, []);
    expect(readPngSize(png)).toEqual({ width: 3, height: 2 });
    expect(pixels(png, 3, 2)).toEqual([...image.rgb]);
  });

  it('writes Latin-1 as tEXt, the rest as iTXt, all before the pixels, and reads both back', async () => {
    const texts = [
      { keyword: 'parameters', text: 'a café\nSteps: 3, Size: 3x2' },
      { keyword: 'stopbath', text: '{"prompt":"一只猫 🐈"}' },
    ];
    const png = await encodePng(image, texts);
    expect([...pngChunks(png)].map(({ type }) => type)).toEqual(['IHDR', 'tEXt', 'iTXt', 'IDAT', 'IEND']);
    expect(readPngTexts(png)).toEqual(texts);
    // The first kilobyte of a file is enough.
    expect(readPngTexts(png.subarray(0, png.length - 20))).toEqual(texts);
  });

  it('writes control characters as iTXt, which tEXt does not allow', async () => {
    const texts = [{ keyword: 'parameters', text: 'tab\there\u0007' }];
    const png = await encodePng(image, texts);
    expect([...pngChunks(png)].map(({ type }) => type)).toContain('iTXt');
    expect(readPngTexts(png)).toEqual(texts);
  });

  it('refuses pixels that do not fit the size, and keywords PNG does not allow', async () => {
    await expect(encodePng({ ...image, width: 4 }, [])).rejects.toThrow(RangeError);
    await expect(encodePng(image, [{ keyword: 'a'.repeat(80), text: '' }])).rejects.toThrow(RangeError);
    await expect(encodePng(image, [{ keyword: '猫', text: '' }])).rejects.toThrow(RangeError);
  });
});

describe('readPngTexts', () => {
  it('gives nothing for what is no PNG', () => {
    expect(readPngTexts(new Uint8Array())).toEqual([]);
    expect(readPngTexts(Buffer.from('GIF89a and some more bytes'))).toEqual([]);
  });

  it('stops at a chunk whose length runs past the end, or whose checksum is wrong', async () => {
    const png = await encodePng(image, [{ keyword: 'parameters', text: 'x' }]);
    const long = Buffer.concat([pngSignature, Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from('tEXtk\0v----')]);
    expect(readPngTexts(long)).toEqual([]);
    const damaged = Buffer.from(png);
    damaged[8 + 25 + 12] = 0x41;
    expect(readPngTexts(damaged)).toEqual([]);
  });

  it('never inflates a bomb', async () => {
    const { deflateSync } = await import('node:zlib');
    const bomb = pngChunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0', 'latin1'), deflateSync(Buffer.alloc(64 * 1024 * 1024))]));
    expect(readPngTexts(Buffer.concat([pngSignature, bomb]))).toEqual([]);
  });
});
