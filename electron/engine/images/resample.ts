import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';
import { blank, greyOf, type Raster, rasterOf, rgbOf } from './raster.ts';

/** Pillow's 8-bit resampler: two passes, fixed-point weights, 8-bit values between the passes. Source: libImaging/Resample.c. */

export interface ResampleFilter {
  /** Half its width in pixels of the larger grid. */
  readonly support: number;
  weight(distance: number): number;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

export const lanczos: ResampleFilter = {
  support: 3,
  weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0),
};

/** Keys' cubic with a = -0.5: what Pillow takes where no filter is named. */
export const bicubic: ResampleFilter = {
  support: 2,
  weight: (distance) => {
    const x = Math.abs(distance);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  },
};

/** The part of a side that is read, in pixels; may be empty: then all of the result is made of the pixels around that edge. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Fraction bits: 32 less 8 for the sample and 2 for what overshoots. */
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

/** For every output position: the first input position, how many, and their weights (`size` places each). */
interface Taps {
  readonly size: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
}

function tapsOf(inSize: number, { from, to }: Span, outSize: number, filter: ResampleFilter): Taps {
  const scale = (to - from) / outSize;
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const size = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * size);
  const exact = new Float64Array(size);
  for (let out = 0; out < outSize; out++) {
    const centre = from + (out + 0.5) * scale;
    const low = Math.max(Math.trunc(centre - support + 0.5), 0);
    const taps = Math.min(Math.trunc(centre + support + 0.5), inSize) - low;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = filter.weight((tap + low - centre + 0.5) * (1 / filterScale));
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) {
      const share = sum === 0 ? (exact[tap] ?? 0) : (exact[tap] ?? 0) / sum;
      weights[out * size + tap] = Math.trunc((share < 0 ? -0.5 : 0.5) + share * (1 << precisionBits));
    }
    first[out] = low;
    count[out] = taps;
  }
  return { size, first, count, weights };
}

function clip8(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/**
 * Lines of samples that lie `stride` apart are each resampled to `outSize`.
 * @param lineStart where line `line` begins, in the input (0) and in the output (1)
 */
interface Pass {
  readonly lines: number;
  readonly stride: number;
  readonly outSize: number;
  inStart(line: number): number;
  outStart(line: number): number;
}

function runPass(input: Uint8Array, output: Uint8Array, taps: Taps, pass: Pass): void {
  const { size, first, count, weights } = taps;
  const { lines, stride, outSize } = pass;
  for (let line = 0; line < lines; line++) {
    const inStart = pass.inStart(line);
    const outStart = pass.outStart(line);
    for (let out = 0; out < outSize; out++) {
      const taken = count[out] ?? 0;
      let from = inStart + (first[out] ?? 0) * stride;
      let sum = half;
      for (let tap = out * size; tap < out * size + taken; tap++, from += stride) {
        sum += (input[from] ?? 0) * (weights[tap] ?? 0);
      }
      output[outStart + out * stride] = clip8(sum >> precisionBits);
    }
  }
}

function horizontal(image: Raster, span: Span, width: number, filter: ResampleFilter): Raster {
  const { height, channels } = image;
  const result = blank(width, height, channels);
  const rowAndChannel = (line: number, rowWidth: number): number =>
    Math.floor(line / channels) * rowWidth * channels + (line % channels);
  runPass(image.data, result.data, tapsOf(image.width, span, width, filter), {
    lines: height * channels,
    stride: channels,
    outSize: width,
    inStart: (line) => rowAndChannel(line, image.width),
    outStart: (line) => rowAndChannel(line, width),
  });
  return result;
}

function vertical(image: Raster, span: Span, height: number, filter: ResampleFilter): Raster {
  const { width, channels } = image;
  const result = blank(width, height, channels);
  runPass(image.data, result.data, tapsOf(image.height, span, height, filter), {
    lines: width * channels,
    stride: width * channels,
    outSize: height,
    inStart: (line) => line,
    outStart: (line) => line,
  });
  return result;
}

/** @param box the part of the picture that fills the result; all of it when left out. */
export function resample(
  image: Raster,
  width: number,
  height: number,
  filter: ResampleFilter,
  box: { readonly x?: Span; readonly y?: Span } = {},
): Raster {
  const { x = { from: 0, to: image.width }, y = { from: 0, to: image.height } } = box;
  const changesWidth = width !== image.width || x.from !== 0 || x.to !== image.width;
  const changesHeight = height !== image.height || y.from !== 0 || y.to !== image.height;
  const across = (input: Raster): Raster => (changesWidth ? horizontal(input, x, width, filter) : input);
  const down = (input: Raster): Raster => (changesHeight ? vertical(input, y, height, filter) : input);
  // Since Pillow 13 (pull request 9549); the values between the passes are rounded, so the order shows.
  const heightFirst = height < image.height && image.height - height > 2 * (image.width - width);
  return heightFirst ? across(down(image)) : down(across(image));
}

/**
 * `PIL.Image.resize((width, height), LANCZOS)` of an RGB or L picture, byte for byte. A picture that has these sides is
 * given back as it is.
 */
export function resizeLanczos(image: RgbImage, width: number, height: number): RgbImage;
export function resizeLanczos(image: GreyImage, width: number, height: number): GreyImage;
export function resizeLanczos(image: RgbImage | GreyImage, width: number, height: number): RgbImage | GreyImage {
  const resized = resample(rasterOf(image), width, height, lanczos);
  return 'rgb' in image ? rgbOf(resized) : greyOf(resized);
}
