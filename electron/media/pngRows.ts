import { damaged } from './pictureError.ts';
import type { PngHeader } from './pngHeader.ts';

/** Adam7 (PNG specification, 8.2): first column and row of each pass, and its steps. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const wholePass = [[0, 0, 1, 1]] as const;

interface Pass {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly stepX: number;
  readonly stepY: number;
  /** Bytes of a row without its filter byte. */
  readonly stride: number;
}

function passes(header: PngHeader): Pass[] {
  const bits = header.samples * header.depth;
  const found = (header.interlaced ? adam7 : wholePass).map(([left, top, stepX, stepY]) => {
    const width = Math.ceil((header.width - left) / stepX);
    const height = Math.ceil((header.height - top) / stepY);
    return { width, height, left, top, stepX, stepY, stride: Math.ceil((width * bits) / 8) };
  });
  return found.filter(({ width, height }) => width > 0 && height > 0);
}

/** Bytes of all rows with their filter bytes: exactly what the deflate stream has to hold. */
export function rawBytes(header: PngHeader): number {
  return passes(header).reduce((sum, { stride, height }) => sum + (stride + 1) * height, 0);
}

/**
 * Undoes filters (in place) and interlacing.
 * @param wide at 16 bits: both bytes of a sample, high first, instead of the high one alone.
 * @returns samples row by row, a byte each, at their own depth.
 */
export function unpackRows(header: PngHeader, raw: Buffer, wide: boolean): Uint8Array {
  const { width, height, depth, samples } = header;
  const perPixel = samples * (wide ? 2 : 1);
  const out = new Uint8Array(width * height * perPixel);
  let at = 0;
  for (const pass of passes(header)) {
    const rowBytes = pass.stride + 1;
    const rows = raw.subarray(at, at + rowBytes * pass.height);
    at += rows.length;
    unfilter(rows, pass, Math.max(1, (samples * depth) >> 3));
    for (let y = 0; y < pass.height; y++) {
      const row = rows.subarray(y * rowBytes + 1, (y + 1) * rowBytes);
      const start = ((pass.top + y * pass.stepY) * width + pass.left) * perPixel;
      if (depth < 8) unpackBits(row, pass, depth, out, start);
      else if (pass.stepX === 1 && (depth === 8 || wide)) out.set(row, start);
      else scatter(row, pass, perPixel, depth === 16 && !wide ? 2 : 1, out, start);
    }
  }
  return out;
}

/** @param every takes the first of that many bytes. */
function scatter(row: Uint8Array, pass: Pass, perPixel: number, every: number, out: Uint8Array, start: number): void {
  for (let x = 0; x < pass.width; x++) {
    const to = start + x * pass.stepX * perPixel;
    for (let byte = 0; byte < perPixel; byte++) out[to + byte] = row[(x * perPixel + byte) * every] ?? 0;
  }
}

/** Depths below 8 come with one sample a pixel only; the leftmost is in the high bits. */
function unpackBits(row: Uint8Array, pass: Pass, depth: number, out: Uint8Array, start: number): void {
  const mask = (1 << depth) - 1;
  for (let x = 0; x < pass.width; x++) {
    const bit = x * depth;
    out[start + x * pass.stepX] = ((row[bit >> 3] ?? 0) >> (8 - depth - (bit & 7))) & mask;
  }
}

/** PNG specification, 9.2, in place: the bytes beside and above are already plain when a byte is reached. */
function unfilter(rows: Buffer, { stride, height }: Pass, distance: number): void {
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1) + 1;
    const above = start - stride - 1;
    const filter = rows[start - 1] ?? 0;
    if (filter > 4) throw damaged('a row has a filter that no PNG has');
    if (filter === 0) continue;
    for (let x = 0; x < stride; x++) {
      const left = x < distance ? 0 : (rows[start + x - distance] ?? 0);
      const up = y === 0 ? 0 : (rows[above + x] ?? 0);
      const upLeft = y === 0 || x < distance ? 0 : (rows[above + x - distance] ?? 0);
      rows[start + x] = (rows[start + x] ?? 0) + predicted(filter, left, up, upLeft);
    }
  }
}

function predicted(filter: number, left: number, up: number, upLeft: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    default: {
      const estimate = left + up - upLeft;
      const [toLeft, toUp, toUpLeft] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - upLeft)];
      if (toLeft <= toUp && toLeft <= toUpLeft) return left;
      return toUp <= toUpLeft ? up : upLeft;
    }
  }
}
