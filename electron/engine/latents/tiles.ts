import { tensor, type Tensor } from '../tensor/tensor.ts';

/** Tiles as diffusers' `AutoencoderKL` cuts and blends them: `tiled_decode` and `_tiled_encode` of autoencoder_kl.py, 0.42. */
export interface TileCut {
  /** Side of a tile of the input; those at the right and lower edge are smaller. */
  readonly tile: number;
  /** From one tile's beginning to the next one's: less than a side, they overlap. */
  readonly stride: number;
  /** Rows and columns of the output over which a tile fades into the next one. */
  readonly blend: number;
  /** Side of what a tile gives to the whole; the rest of it only fades into its neighbours. */
  readonly limit: number;
}

/** `tile_overlap_factor`. */
const overlap = 0.25;

/** @param tile side in latents, `tile_latent_min_size`; @param pixelFactor pixels a latent spans */
export function decodeCut(tile: number, pixelFactor: number): TileCut {
  return cut(tile, tile * pixelFactor);
}

/** The same for pictures on their way to latents. */
export function encodeCut(tile: number, pixelFactor: number): TileCut {
  return cut(tile * pixelFactor, tile);
}

function cut(tile: number, outputTile: number): TileCut {
  const blend = Math.trunc(outputTile * overlap);
  return { tile, stride: Math.trunc(tile * (1 - overlap)), blend, limit: outputTile - blend };
}

/** Whether an input of these sides is more than one tile. */
export function isTiled({ dims }: Tensor, { tile }: Pick<TileCut, 'tile'>): boolean {
  return (dims[2] ?? 0) > tile || (dims[3] ?? 0) > tile;
}

/**
 * Runs tile after tile and lays the results together. Of the results, two rows of tiles are held at a time.
 * @param input [1, C, h, w]
 * @param run a tile's result, larger or smaller by one factor for all
 * @returns [1, C', h', w']
 */
export async function runTiled(input: Tensor, tileCut: TileCut, run: (tile: Tensor) => Promise<Tensor>): Promise<Tensor> {
  const { tile, stride, blend, limit } = tileCut;
  const [, , height = 0, width = 0] = input.dims;
  const strips: Tensor[] = [];
  let above: Tensor[] = [];
  for (let y = 0; y < height; y += stride) {
    const row: Tensor[] = [];
    for (let x = 0; x < width; x += stride) {
      const result = owned(await run(crop(input, y, x, tile, tile)));
      const [upper, left] = [above[row.length], row.at(-1)];
      if (upper !== undefined) blendInto(result, upper, blend, 2);
      if (left !== undefined) blendInto(result, left, blend, 3);
      row.push(result);
    }
    strips.push(sideBySide(row.map((one) => crop(one, 0, 0, limit, limit))));
    above = row;
  }
  return below(strips);
}

/** Blending writes into a result; a session's output may be shared. */
function owned({ dims, data }: Tensor): Tensor {
  return tensor(dims, data.slice());
}

/** `blend_v` (axis 2) and `blend_h` (axis 3): the end of `before` fades into the beginning of `into`. */
function blendInto(into: Tensor, before: Tensor, extent: number, axis: 2 | 3): void {
  const [, channels = 0, height = 0, width = 0] = into.dims;
  const sides = [before.dims[2] ?? 0, before.dims[3] ?? 0];
  const count = Math.min(sides[axis - 2] ?? 0, into.dims[axis] ?? 0, extent);
  const [rows, columns] = axis === 2 ? [count, width] : [height, count];
  const start = (sides[axis - 2] ?? 0) - count;
  const [down, right] = axis === 2 ? [start, 0] : [0, start];
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const share = (axis === 2 ? y : x) / count;
        const at = (channel * height + y) * width + x;
        const old = before.data[(channel * (sides[0] ?? 0) + y + down) * (sides[1] ?? 0) + x + right] ?? 0;
        into.data[at] = Math.fround(old * (1 - share)) + Math.fround((into.data[at] ?? 0) * share);
      }
    }
  }
}

/** At most these sides of [1, C, h, w], from row `y` and column `x` on. */
function crop({ dims, data }: Tensor, y: number, x: number, mostRows: number, mostColumns: number): Tensor {
  const [, channels = 0, height = 0, width = 0] = dims;
  const [rows, columns] = [Math.min(mostRows, height - y), Math.min(mostColumns, width - x)];
  const cropped = new Float32Array(channels * rows * columns);
  for (let line = 0; line < channels * rows; line++) {
    const from = (Math.floor(line / rows) * height + y + (line % rows)) * width + x;
    cropped.set(data.subarray(from, from + columns), line * columns);
  }
  return tensor([1, channels, rows, columns], cropped);
}

function sideBySide(parts: readonly Tensor[]): Tensor {
  const [, channels = 0, height = 0] = parts[0]?.dims ?? [];
  const width = parts.reduce((sum, part) => sum + (part.dims[3] ?? 0), 0);
  const data = new Float32Array(channels * height * width);
  let column = 0;
  for (const part of parts) {
    const own = part.dims[3] ?? 0;
    for (let line = 0; line < channels * height; line++) {
      data.set(part.data.subarray(line * own, (line + 1) * own), line * width + column);
    }
    column += own;
  }
  return tensor([1, channels, height, width], data);
}

function below(strips: readonly Tensor[]): Tensor {
  const [, channels = 0, , width = 0] = strips[0]?.dims ?? [];
  const height = strips.reduce((sum, strip) => sum + (strip.dims[2] ?? 0), 0);
  const data = new Float32Array(channels * height * width);
  let row = 0;
  for (const strip of strips) {
    const own = (strip.dims[2] ?? 0) * width;
    for (let channel = 0; channel < channels; channel++) {
      data.set(strip.data.subarray(channel * own, (channel + 1) * own), channel * height * width + row);
    }
    row += own;
  }
  return tensor([1, channels, height, width], data);
}
