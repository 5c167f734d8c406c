import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { StopbathError } from '../../shared/errors.ts';
import { decodeImage, decodeMask } from './decode.ts';
import { goldenFile, goldenPictures, sha256 } from './golden/pictures.ts';
import { maxInputFileBytes } from './pictureError.ts';
import { encodePng } from './png.ts';
import { pngChunk, pngChunks, pngSignature } from './pngChunks.ts';

/** The failure a file is refused with. */
function refusal(bytes: Uint8Array, decode: (bytes: Uint8Array, field: string) => unknown = decodeImage): StopbathError {
  try {
    decode(bytes, 'image');
  } catch (error) {
    if (error instanceof StopbathError) return error;
    throw error;
  }
  throw new Error('It was taken.');
}

describe('pictures that Pillow wrote', () => {
  it.each([...goldenPictures].filter(([name]) => name.endsWith('.png')))('%s gives the very pixels Pillow reads', (name, { file, width, height, rgb, grey }) => {
    const image = decodeImage(file, 'image');
    expect({ width: image.width, height: image.height }).toEqual({ width, height });
    expect(sha256(image.rgb)).toBe(rgb);
    expect(sha256(decodeMask(file, 'mask').grey)).toBe(grey);
    expect(image.notes).toEqual(/orientation [2-8]/.test(name) ? ['It was turned upright as its EXIF orientation says.'] : []);
  });
});

const samplesOf: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly interlaced: boolean;
  readonly chunks?: readonly Buffer[];
}

/** A sample's value: all bits of it take part. */
function valueAt(x: number, y: number, channel: number, depth: number): number {
  return (x * 7919 + y * 104_729 + channel * 1_299_709 + x * y * 31) % 2 ** depth;
}

function header({ width, height, depth, colourType, interlaced }: Drawing): Buffer {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(height, 4);
  bytes.set([depth, colourType, 0, 0, interlaced ? 1 : 0], 8);
  return pngChunk('IHDR', bytes);
}

/** Writes any kind of PNG, straight from the specification, with the five filters in turn. */
function draw(drawing: Drawing): Buffer {
  const { width, height, depth, colourType, interlaced, chunks = [] } = drawing;
  const channels = samplesOf[colourType] ?? 0;
  const distance = Math.max(1, (channels * depth) >> 3);
  const rows: Buffer[] = [];
  for (const [left, top, stepX, stepY] of interlaced ? adam7 : ([[0, 0, 1, 1]] as const)) {
    let above: Buffer | null = null;
    for (let y = top; y < height; y += stepY) {
      const bits: string[] = [];
      for (let x = left; x < width; x += stepX) {
        for (let channel = 0; channel < channels; channel++) bits.push(valueAt(x, y, channel, depth).toString(2).padStart(depth, '0'));
      }
      if (bits.length === 0) break;
      const joined = bits.join('');
      const plain = Buffer.from(Array.from({ length: Math.ceil(joined.length / 8) }, (_, index) => parseInt(joined.slice(8 * index, 8 * index + 8).padEnd(8, '0'), 2)));
      rows.push(filtered(plain, above ?? Buffer.alloc(plain.length), distance, rows.length % 5));
      above = plain;
    }
  }
  return Buffer.concat([pngSignature, header(drawing), ...chunks, pngChunk('IDAT', deflateSync(Buffer.concat(rows))), end]);
}

const end = pngChunk('IEND', Buffer.alloc(0));

function filtered(plain: Buffer, above: Buffer, distance: number, filter: number): Buffer {
  const row = Buffer.alloc(plain.length + 1);
  row[0] = filter;
  plain.forEach((value, x) => {
    const a = plain[x - distance] ?? 0;
    const b = above[x] ?? 0;
    const c = above[x - distance] ?? 0;
    const nearest = [a, b, c].reduce((best, each) => (Math.abs(a + b - c - each) < Math.abs(a + b - c - best) ? each : best));
    row[x + 1] = value - ([0, a, b, Math.floor((a + b) / 2), nearest][filter] ?? 0);
  });
  return row;
}

describe('every kind of PNG', () => {
  const kinds = [
    ...[1, 2, 4, 8, 16].map((depth) => ({ colourType: 0, depth })),
    ...[2, 4, 6].flatMap((colourType) => [8, 16].map((depth) => ({ colourType, depth }))),
    ...[1, 2, 4, 8].map((depth) => ({ colourType: 3, depth })),
  ].flatMap((kind) => [false, true].map((interlaced) => ({ ...kind, interlaced })));

  it.each(kinds)('%o', ({ colourType, depth, interlaced }) => {
    const colours = Array.from({ length: 256 }, (_, index) => [index, 255 - index, (index * 5) % 256]);
    const palette = pngChunk('PLTE', Buffer.from(colours.slice(0, 2 ** depth).flat()));
    const to8 = (value: number): number => (depth === 16 ? value >> 8 : (value * 255) / (2 ** depth - 1));
    for (const [width, height] of [[1, 1], [5, 3], [13, 17]] as const) {
      const file = draw({ width, height, depth, colourType, interlaced, chunks: colourType === 3 ? [palette] : [] });
      const expected: number[] = [];
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const value = (channel: number): number => valueAt(x, y, channel, depth);
          if (colourType === 3) {
            expected.push(...(colours[value(0)] ?? []));
            continue;
          }
          const alpha = colourType === 4 ? to8(value(1)) : colourType === 6 ? to8(value(3)) : 255;
          const grey = colourType === 0 || colourType === 4;
          for (const channel of grey ? [0, 0, 0] : [0, 1, 2]) expected.push(Math.round((to8(value(channel)) * alpha + 255 * (255 - alpha)) / 255));
        }
      }
      const image = decodeImage(file, 'image');
      expect({ width: image.width, height: image.height, rgb: [...image.rgb] }).toEqual({ width, height, rgb: expected });
      expect(image.notes.includes('Its 16 bits a colour were reduced to 8.')).toBe(depth === 16);
    }
  });

  it('with a transparent colour, compared at its full depth', () => {
    const drawing = { width: 9, height: 5, colourType: 2, interlaced: false } as const;
    for (const depth of [8, 16] as const) {
      const key = Buffer.alloc(6);
      for (const channel of [0, 1, 2]) key.writeUInt16BE(valueAt(3, 2, channel, depth), 2 * channel);
      const image = decodeImage(draw({ ...drawing, depth, chunks: [pngChunk('tRNS', key)] }), 'image');
      const opaque = decodeImage(draw({ ...drawing, depth }), 'image');
      const changed = [...image.rgb].flatMap((value, index) => (value === opaque.rgb[index] ? [] : [Math.floor(index / 3)]));
      expect(new Set(changed)).toEqual(new Set([2 * 9 + 3]));
      expect([...image.rgb.subarray(63, 66)]).toEqual([255, 255, 255]);
      expect(image.notes).toContain('Its transparent parts were laid over white.');
    }
    // One bit off in the low byte is another colour.
    const near = Buffer.alloc(6);
    for (const channel of [0, 1, 2]) near.writeUInt16BE(valueAt(3, 2, channel, 16) ^ (channel === 0 ? 1 : 0), 2 * channel);
    expect(decodeImage(draw({ ...drawing, depth: 16, chunks: [pngChunk('tRNS', near)] }), 'image').notes).not.toContain('Its transparent parts were laid over white.');
  });

  it('with a transparent grey of few bits', () => {
    const drawing = { width: 8, height: 3, depth: 4, colourType: 0, interlaced: true } as const;
    const image = decodeImage(draw({ ...drawing, chunks: [pngChunk('tRNS', Buffer.from([0, 7]))] }), 'image');
    const expected = Array.from({ length: 24 }, (_, index) => {
      const value = valueAt(index % 8, Math.floor(index / 8), 0, 4);
      return value === 7 ? 255 : value * 17;
    });
    expect(expected).toContain(255);
    expect([...image.rgb].filter((_, index) => index % 3 === 0)).toEqual(expected);
    expect(image.notes).toEqual(['Its transparent parts were laid over white.']);
  });

  it('with a palette that is partly transparent', () => {
    const chunks = [pngChunk('PLTE', Buffer.from([10, 20, 30, 40, 50, 60])), pngChunk('tRNS', Buffer.from([0]))];
    const image = decodeImage(draw({ width: 4, height: 4, depth: 1, colourType: 3, interlaced: false, chunks }), 'image');
    const pixels = Array.from({ length: 16 }, (_, index) => [...image.rgb.subarray(3 * index, 3 * index + 3)].join(' '));
    expect(new Set(pixels)).toEqual(new Set(['255 255 255', '40 50 60']));
  });

  it('with several pictures gives the first, and says so', () => {
    const image = decodeImage(draw({ width: 4, height: 4, depth: 8, colourType: 2, interlaced: false, chunks: [pngChunk('acTL', Buffer.alloc(8))] }), 'image');
    expect(image.notes).toEqual(['It is animated; only its first picture is used.']);
  });
});

describe('a mask', () => {
  const drawing = { width: 6, height: 6, depth: 8, interlaced: false } as const;

  it('is the luma of its colours, whatever its transparency', () => {
    const mask = decodeMask(draw({ ...drawing, colourType: 4 }), 'mask');
    expect([...mask.grey]).toEqual(Array.from({ length: 36 }, (_, index) => valueAt(index % 6, Math.floor(index / 6), 0, 8)));
    expect(mask.notes).toEqual(['Its transparency was ignored.']);
  });

  it('that is shaped by its transparency alone is refused: it could mean either half', () => {
    const chunks = [pngChunk('PLTE', Buffer.alloc(768, 255)), pngChunk('tRNS', Buffer.alloc(128))];
    expect(refusal(draw({ ...drawing, colourType: 3, chunks }), decodeMask)).toMatchObject({ code: 'INVALID_INPUT', nextStep: expect.stringContaining('white where') });
    const plain = decodeMask(draw({ ...drawing, colourType: 3, chunks: chunks.slice(0, 1) }), 'mask');
    expect(plain.grey.every((value) => value === 255)).toBe(true);
  });
});

describe('a file that cannot be used', async () => {
  const png = await encodePng({ width: 8, height: 8, rgb: new Uint8Array(192).map((_, index) => index) }, []);
  const drawing = { width: 8, height: 8, depth: 8, colourType: 2, interlaced: false } as const;
  const withSides = (width: number, height: number): Buffer =>
    Buffer.concat([pngSignature, header({ ...drawing, width, height }), pngChunk('IDAT', deflateSync(Buffer.alloc(100))), end]);
  const flipped = (file: Buffer, at: number): Buffer => {
    const copy = Buffer.from(file);
    copy[at] = (copy[at] ?? 0) ^ 0x10;
    return copy;
  };
  const idat = (data: Buffer): Buffer => Buffer.concat([pngSignature, header(drawing), pngChunk('IDAT', data), end]);

  it.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /empty/],
    ['text', Buffer.from('hello, I am no picture'), /no picture/],
    ['a single byte', Buffer.from([0x89]), /no picture/],
    ['JPEG', goldenFile('grey.jpg'), /JPEG files are not read/],
    ['GIF', Buffer.from('GIF89a..........'), /GIF files are not read/],
    ['WebP', Buffer.from('RIFF\0\0\0\0WEBPVP8 ', 'latin1'), /WebP files are not read/],
    ['AVIF', Buffer.from('\0\0\0\x1cftypavif', 'latin1'), /AVIF files are not read/],
    ['HEIC', Buffer.from('\0\0\0\x18ftypheic', 'latin1'), /HEIC files are not read/],
    ['TIFF', Buffer.from('II*\0\x08\0\0\0', 'latin1'), /TIFF files are not read/],
    ['BMP', Buffer.from('BM............'), /BMP files are not read/],
    ['JPEG XL', Buffer.from([0xff, 0x0a, 0, 0]), /JPEG XL files are not read/],
    ['a PNG signature alone', Buffer.from(pngSignature), /end of the file is missing/],
    ['a PNG with a wrong checksum in its header', flipped(png, 17), /checksum of its part IHDR/],
    ['a PNG with a wrong checksum in its pixels', flipped(png, png.length - 20), /checksum of its part IDAT/],
    ['a PNG without its end', png.subarray(0, png.length - 12), /end of the file is missing/],
    ['a PNG without pixels', Buffer.concat([pngSignature, header(drawing), end]), /no pixels/],
    ['a PNG without a header', Buffer.concat([pngSignature, pngChunk('IDAT', deflateSync(Buffer.alloc(200))), end]), /begin with a header/],
    ['a PNG whose pixels end early', idat(deflateSync(Buffer.alloc(150))), /pixels are missing/],
    ['a PNG whose pixels are no deflate stream', idat(Buffer.from('not packed at all')), /cannot be unpacked/],
    ['a PNG that unpacks to a thousand times its size', idat(deflateSync(Buffer.alloc(64 * 1024 * 1024))), /more than its size says/],
    ['a PNG with an unknown filter', idat(deflateSync(Buffer.alloc(200, 7))), /filter that no PNG has/],
    ['a PNG of 3 bits', draw({ ...drawing, depth: 3, colourType: 0 }), /header asks/],
    ['a PNG without its palette', draw({ ...drawing, colourType: 3 }), /palette is missing/],
    ['a PNG with too small a palette', draw({ ...drawing, colourType: 3, chunks: [pngChunk('PLTE', Buffer.alloc(6))] }), /palette does not have/],
    ['a PNG with an unknown part it cannot do without', draw({ ...drawing, chunks: [pngChunk('ABCD', Buffer.alloc(4))] }), /part ABCD/],
    ['a PNG 0 pixels wide', withSides(0, 8), /0 x 8/],
    ['a PNG too wide', withSides(16_385, 1), /too large: 16385 x 1/],
    ['a PNG of a size no memory holds', withSides(0xffff_ffff, 0xffff_ffff), /too large/],
    ['a PNG of too many pixels', withSides(16_384, 4_097), /too large/],
  ])('%s', (_, bytes, message) => {
    const failure = refusal(bytes);
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', field: 'image' });
    expect(failure.message).toMatch(/^image: /);
    expect(failure.message).toMatch(message);
    expect(failure.nextStep).toMatch(/\.$/);
    expect(refusal(bytes, decodeMask).message).toMatch(message);
  });

  it('is refused for its sheer size, unread', () => {
    expect(refusal(new Uint8Array(maxInputFileBytes + 1)).message).toMatch(/too large: 129 MiB/);
  });

  it('never ends in anything but a refusal or a picture, whatever byte is wrong', () => {
    for (const name of ['palette 16.png', 'orientation 6.png']) {
      // With checksums made good again, so that the parts behind them are reached.
      for (const [index, chunk] of [...pngChunks(goldenFile(name))].entries()) {
        for (let at = 0; at < chunk.data.length; at++) {
          const chunks = [...pngChunks(goldenFile(name))].map(({ type, data }, other) => {
            const changed = Buffer.from(data);
            if (other === index) changed[at] = (changed[at] ?? 0) ^ (1 + (at % 255));
            return pngChunk(type, changed);
          });
          try {
            const { width, height, rgb } = decodeImage(Buffer.concat([pngSignature, ...chunks]), 'image');
            expect(rgb).toHaveLength(width * height * 3);
          } catch (error) {
            expect(error, `${chunk.type} ${at}`).toBeInstanceOf(StopbathError);
          }
        }
      }
    }
  });
});
