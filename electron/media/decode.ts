import type { GreyImage, RgbImage } from '../../shared/engineProtocol.ts';
import { asInvalidInput, checkInputFile, PictureError } from './pictureError.ts';
import { upright, type Pixels } from './pixels.ts';
import { decodePng, isPng } from './pngDecode.ts';

/** Something was changed while reading: alpha, depth, orientation, further frames. Sentences for the person. */
export interface Noted {
  readonly notes: readonly string[];
}

/**
 * A PNG file as 8-bit RGB, upright. Transparent pixels are laid over white; of 16 bits the high 8 are kept; an animated PNG
 * gives its first picture. Nothing larger than 16384 pixels a side, 64 megapixels or 128 MiB is begun.
 * @param field the request field the picture is for; errors name it.
 * @throws StopbathError `INVALID_INPUT` with `field`: damaged, cut off, too large, or a format that is not read.
 */
export function decodeImage(bytes: Uint8Array, field: string): RgbImage & Noted {
  return decode(bytes, field, rgbOf);
}

/**
 * A PNG file as 8-bit grey, upright: the luma of its colours as Pillow's convert("L") has it. Transparency is ignored, as there.
 * @param field the request field the mask is for; errors name it.
 * @throws StopbathError `INVALID_INPUT` with `field` as {@link decodeImage}, and for a mask whose only shape is in its
 *   transparency: which half of it is meant cannot be known.
 */
export function decodeMask(bytes: Uint8Array, field: string): GreyImage & Noted {
  return decode(bytes, field, greyOf);
}

function decode<T>(bytes: Uint8Array, field: string, take: (pixels: Pixels) => T): T {
  try {
    checkInputFile(bytes);
    if (!isPng(bytes)) throw otherFormat(bytes);
    return take(upright(decodePng(bytes)));
  } catch (error) {
    throw asInvalidInput(error, field);
  }
}

export function rgbOf(pixels: Pixels): RgbImage & Noted {
  const { width, height, notes } = pixels;
  const { rgb, transparent } = overWhite(pixels);
  return { width, height, rgb, notes: transparent ? [...notes, 'Its transparent parts were laid over white.'] : notes };
}

/** @throws PictureError for a mask whose only shape is in its transparency. */
export function greyOf(pixels: Pixels): GreyImage & Noted {
  const { width, height, notes } = pixels;
  const grey = luma(pixels);
  if (!hasTransparency(pixels)) return { width, height, grey, notes };
  if (grey.every((value) => value === grey[0])) {
    throw new PictureError(
      'The mask has one colour everywhere; its shape is in its transparency.',
      'Save it without transparency: white where the picture is to be painted again, black elsewhere.',
    );
  }
  return { width, height, grey, notes: [...notes, 'Its transparency was ignored.'] };
}

function otherFormat(bytes: Uint8Array): PictureError {
  const format = formatOf(bytes);
  return new PictureError(
    format === null ? 'The file is no picture.' : `${format} files are not read here.`,
    format === null ? 'Choose a PNG file.' : "Save it as PNG, or put it in through the app's window, which opens more formats.",
  );
}

/** Formats a person may well have, by the bytes they begin with (offset 0 unless told). */
const formats: readonly { readonly name: string; readonly magic: string; readonly at?: number }[] = [
  { name: 'JPEG', magic: '\xff\xd8\xff' },
  { name: 'GIF', magic: 'GIF8' },
  { name: 'WebP', magic: 'WEBP', at: 8 },
  { name: 'AVIF', magic: 'ftypavif', at: 4 },
  { name: 'AVIF', magic: 'ftypavis', at: 4 },
  { name: 'HEIC', magic: 'ftyphei', at: 4 },
  { name: 'HEIC', magic: 'ftyphev', at: 4 },
  { name: 'HEIF', magic: 'ftypmif1', at: 4 },
  { name: 'HEIF', magic: 'ftypmsf1', at: 4 },
  { name: 'TIFF', magic: 'II*\0' },
  { name: 'TIFF', magic: 'MM\0*' },
  { name: 'BMP', magic: 'BM' },
  { name: 'JPEG XL', magic: '\xff\x0a' },
  { name: 'JPEG XL', magic: '\0\0\0\x0cJXL ' },
  { name: 'JPEG 2000', magic: '\0\0\0\x0cjP  ' },
  { name: 'Photoshop', magic: '8BPS' },
  { name: 'OpenEXR', magic: 'v/1\x01' },
  { name: 'PDF', magic: '%PDF' },
  { name: 'SVG', magic: '<svg' },
  { name: 'icon', magic: '\0\0\x01\0' },
];

function formatOf(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 32)).toString('latin1');
  return formats.find(({ magic, at = 0 }) => start.startsWith(magic, at))?.name ?? null;
}

function hasTransparency({ channels, samples }: Pixels): boolean {
  if (channels === 1 || channels === 3) return false;
  for (let at = channels - 1; at < samples.length; at += channels) if (samples[at] !== 255) return true;
  return false;
}

/** colour * alpha + white * (1 - alpha), rounded. */
function overWhite(pixels: Pixels): { rgb: Uint8Array; transparent: boolean } {
  const { width, height, channels, samples } = pixels;
  if (channels === 3) return { rgb: samples, transparent: false };
  const transparent = hasTransparency(pixels);
  const rgb = new Uint8Array(width * height * 3);
  const isGrey = channels <= 2;
  for (let from = 0, to = 0; to < rgb.length; from += channels) {
    const alpha = transparent ? (samples[from + channels - 1] ?? 255) : 255;
    for (let channel = 0; channel < 3; channel++) {
      const value = samples[isGrey ? from : from + channel] ?? 0;
      rgb[to++] = alpha === 255 ? value : Math.round((value * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { rgb, transparent };
}

/** ITU-R 601-2 in 16-bit fixed point, as in Pillow's Convert.c (L24). */
function luma({ width, height, channels, samples }: Pixels): Uint8Array {
  if (channels === 1) return samples;
  const grey = new Uint8Array(width * height);
  for (let pixel = 0, from = 0; pixel < grey.length; pixel++, from += channels) {
    const red = samples[from] ?? 0;
    grey[pixel] =
      channels === 2 ? red : (red * 19_595 + (samples[from + 1] ?? 0) * 38_470 + (samples[from + 2] ?? 0) * 7_471 + 0x8000) >> 16;
  }
  return grey;
}
