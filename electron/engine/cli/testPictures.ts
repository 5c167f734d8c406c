import { deflateSync } from 'node:zlib';
import { pngChunk, pngSignature } from '../../media/pngChunks.ts';

/** Picture files for tests of what a person may hand in. */

interface PngForm {
  readonly width: number;
  readonly height: number;
  /** PNG colour type: 0 grey, 2 RGB, 6 RGBA. */
  readonly colour: 0 | 2 | 6;
  readonly depth?: 8 | 16;
  /** Chunks between the header and the pixels. */
  readonly extra?: readonly Buffer[];
  /** The sides that the header claims, where they are others than those of the pixels. */
  readonly claims?: readonly [width: number, height: number];
  /** A sample of 0..255 */
  sample(x: number, y: number, channel: number): number;
}

export function pngFile({ width, height, colour, depth = 8, extra = [], claims = [width, height], sample }: PngForm): Buffer {
  const channels = { 0: 1, 2: 3, 6: 4 }[colour];
  const bytes = depth / 8;
  const stride = width * channels * bytes + 1;
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        // Both halves of a 16-bit sample are the same: value * 257.
        rows.fill(sample(x, y, channel), y * stride + 1 + (x * channels + channel) * bytes, y * stride + 1 + (x * channels + channel + 1) * bytes);
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(claims[0], 0);
  header.writeUInt32BE(claims[1], 4);
  header.set([depth, colour, 0, 0, 0], 8);
  return Buffer.concat([
    pngSignature,
    pngChunk('IHDR', header),
    ...extra,
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** RGB with a pattern. */
export function plainPicture(width: number, height: number): Buffer {
  return pngFile({ width, height, colour: 2, sample: (x, y, channel) => (x * 3 + y * 5 + channel * 70) % 256 });
}

/** A mask that is `value` inside a box around the middle, a quarter of each side wide, and black elsewhere. */
export function boxMask(width: number, height: number, value = 255): Buffer {
  const inside = (at: number, side: number): boolean => at >= side * 0.375 && at < side * 0.625;
  return pngFile({ width, height, colour: 0, sample: (x, y) => (inside(x, width) && inside(y, height) ? value : 0) });
}

/** `acTL` of a PNG with two frames played for ever. */
export function animationControl(): Buffer {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(2, 0);
  return pngChunk('acTL', data);
}

/** 64 x 64 of one colour, made by Pillow 13.0.0 with `Image.new('CMYK', (64, 64), (10, 200, 30, 40)).save(..., quality=50)`. */
export const cmykJpeg: Buffer = Buffer.from(
  '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OFBtUVdfYmdoZz5NcXlwZHhc' +
    'ZWdj/8AAFAgAQABABEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAAG/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAA4EQwBNAFkASwAA' +
    'PwC7TSxVgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD//Z',
  'base64',
);

/** The same sides, RGB and progressive. */
export const progressiveJpeg: Buffer = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBk' +
    'eFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wgARCABAAEAD' +
    'ASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAH/xAAWAQEBAQAAAAAAAAAAAAAAAAAABAX/2gAMAwEAAhADEAAAAYIswAAAAAAAAAAAAAAD' +
    '/8QAFBABAAAAAAAAAAAAAAAAAAAAYP/aAAgBAQABBQIB/8QAFBEBAAAAAAAAAAAAAAAAAAAAQP/aAAgBAwEBPwEH/8QAFBEBAAAAAAAAAAAAAAAA' +
    'AAAAQP/aAAgBAgEBPwEH/8QAFBABAAAAAAAAAAAAAAAAAAAAYP/aAAgBAQAGPwIB/8QAFBABAAAAAAAAAAAAAAAAAAAAYP/aAAgBAQABPyEB/9oA' +
    'DAMBAAIAAwAAABAIIIIIIIIIIIIIIIL/xAAUEQEAAAAAAAAAAAAAAAAAAABA/9oACAEDAQE/EAf/xAAUEQEAAAAAAAAAAAAAAAAAAABA/9oACAEC' +
    'AQE/EAf/xAAUEAEAAAAAAAAAAAAAAAAAAABg/9oACAEBAAE/EAH/2Q==',
  'base64',
);
