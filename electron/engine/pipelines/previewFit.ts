import type { RgbImage } from '../../../shared/engineProtocol.ts';
import type { LatentSpace, PreviewMap } from '../latents/latentSpace.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';

/** What a decoder made of some latents. */
export interface DecodedExample {
  /** [1, C, h, w] in model scale. */
  readonly latents: Tensor;
  /** A whole number of pixels a latent in each direction. */
  readonly image: RgbImage;
}

/** Share of the largest diagonal value that is added to it: keeps channels that never vary from blowing up. */
const ridge = 1e-4;

/**
 * The linear map from latents to colours that fits decoded examples best: least squares with a ridge, of each latent's channels
 * against the mean colour of the pixels it spans.
 */
export function fitPreviewMap(examples: readonly DecodedExample[], channels: number): PreviewMap {
  const size = channels + 1;
  const normal = Array.from({ length: size }, () => new Float64Array(size));
  const right = Array.from({ length: size }, () => new Float64Array(3));
  forEachLatent(examples, channels, (values, colour) => {
    const row = [...values, 1];
    row.forEach((a, i) => {
      row.forEach((b, j) => add(normal[i], j, a * b));
      colour.forEach((c, k) => add(right[i], k, a * c));
    });
  });
  const largest = Math.max(...normal.map((row, index) => row[index] ?? 0));
  normal.slice(0, channels).forEach((row, index) => add(row, index, largest * ridge));
  const solved = solve(normal, right);
  return { factors: solved.slice(0, channels).map((row) => Array.from(row)), bias: Array.from(solved[channels] ?? new Float64Array(3)) };
}

/** Share of the colours' variance that a map explains, R squared; 1 is all of it, below 0 worse than one grey. */
export function explainedBy({ factors, bias }: PreviewMap, examples: readonly DecodedExample[]): number {
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  let count = 0;
  let missed = 0;
  forEachLatent(examples, factors.length, (values, colour) => {
    count++;
    colour.forEach((c, k) => {
      const told = values.reduce((sum, value, index) => sum + value * (factors[index]?.[k] ?? 0), bias[k] ?? 0);
      missed += (c - told) ** 2;
      sums[k] = (sums[k] ?? 0) + c;
      squares[k] = (squares[k] ?? 0) + c * c;
    });
  });
  const variance = squares.reduce((sum, square, k) => sum + square - (sums[k] ?? 0) ** 2 / Math.max(count, 1), 0);
  return variance <= 0 ? 0 : 1 - missed / variance;
}

/** Calls with the channels of every latent and the mean colour of its pixels, -1..1. */
function forEachLatent(examples: readonly DecodedExample[], channels: number, visit: (values: number[], colour: number[]) => void): void {
  for (const { latents, image } of examples) {
    const [, , height = 0, width = 0] = latents.dims;
    const area = height * width;
    const factor = Math.floor(image.width / Math.max(width, 1));
    for (let place = 0; place < area; place++) {
      const values = Array.from({ length: channels }, (_, channel) => latents.data[channel * area + place] ?? 0);
      visit(values, blockColour(image, place % width, Math.floor(place / width), factor));
    }
  }
}

function blockColour({ rgb, width }: RgbImage, column: number, row: number, factor: number): number[] {
  const sums = [0, 0, 0];
  for (let y = row * factor; y < (row + 1) * factor; y++) {
    for (let x = column * factor; x < (column + 1) * factor; x++) {
      for (let k = 0; k < 3; k++) sums[k] = (sums[k] ?? 0) + (rgb[(y * width + x) * 3 + k] ?? 0);
    }
  }
  return sums.map((sum) => (sum / (factor * factor) / 255) * 2 - 1);
}

function add(row: Float64Array | undefined, index: number, value: number): void {
  if (row !== undefined) row[index] = (row[index] ?? 0) + value;
}

/** Gaussian elimination with row pivots; the matrix is symmetric and, with its ridge, regular. */
function solve(matrix: readonly Float64Array[], right: readonly Float64Array[]): Float64Array[] {
  const rows = matrix.map((row, index) => [...row, ...(right[index] ?? [])]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    const pivot = rows.reduce((best, row, index) => (index >= column && Math.abs(row[column] ?? 0) > Math.abs(rows[best]?.[column] ?? 0) ? index : best), column);
    const [from, to] = [rows[pivot] ?? [], rows[column] ?? []];
    rows[pivot] = to;
    rows[column] = from;
    const scale = from[column] ?? 0;
    if (scale === 0) continue;
    rows[column] = from.map((value) => value / scale);
    rows.forEach((row, index) => {
      const share = row[column] ?? 0;
      if (index !== column && share !== 0) rows[index] = row.map((value, at) => value - share * (rows[column]?.[at] ?? 0));
    });
  }
  return rows.map((row) => Float64Array.from(row.slice(size)));
}

/** Cells of one value, in latents, of the examples that are drawn: from a colour for all to noise. */
const cells = [16, 8, 4, 2, 4, 8];
/** Latents a side. */
const exampleSide = 16;

/**
 * Clean latents to decode where no picture can be encoded: normal values, as trained latents are in model scale, in fields
 * of several sizes with soft edges. Always the same.
 */
export function drawnLatents({ channels }: LatentSpace): Tensor[] {
  const generator = new TorchGenerator('20');
  return cells.map((cell) => {
    const count = exampleSide / cell + 1;
    const coarse = generator.normal([1, channels, count, count]);
    return smoothField(coarse, cell);
  });
}

/** Pictures [1, 3, side, side] in -1..1 to encode: colours in fields of several sizes, with soft edges and with grain. */
export function probePictures({ pixelFactor }: LatentSpace): Tensor[] {
  const generator = new TorchGenerator('21');
  const side = exampleSide * pixelFactor;
  return cells.map((cell) => {
    const count = exampleSide / cell + 1;
    const field = smoothField(generator.normal([1, 3, count, count]), cell * pixelFactor);
    const grain = generator.normal([1, 3, side, side]);
    return tensor(field.dims, field.data.map((value, index) => Math.tanh(value + 0.1 * (grain.data[index] ?? 0))));
  });
}

/** Values at the corners of cells, bilinear in between. */
function smoothField(coarse: Tensor, cell: number): Tensor {
  const [, channels = 0, count = 0] = coarse.dims;
  const side = (count - 1) * cell;
  const data = new Float32Array(channels * side * side);
  for (let channel = 0; channel < channels; channel++) {
    const at = (y: number, x: number): number => coarse.data[(channel * count + y) * count + x] ?? 0;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [top, left] = [Math.floor(y / cell), Math.floor(x / cell)];
        const [v, u] = [y / cell - top, x / cell - left];
        const upper = at(top, left) * (1 - u) + at(top, left + 1) * u;
        const lower = at(top + 1, left) * (1 - u) + at(top + 1, left + 1) * u;
        data[(channel * side + y) * side + x] = upper * (1 - v) + lower * v;
      }
    }
  }
  return tensor([1, channels, side, side], data);
}
