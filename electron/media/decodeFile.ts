import type { GreyImage, RgbImage } from '../../shared/engineProtocol.ts';
import { decodeImage, decodeMask, greyOf, rgbOf, type Noted } from './decode.ts';
import { decodeJpeg } from './jpegDecode.ts';
import { isJpeg } from './jpegHeader.ts';
import { asInvalidInput, checkInputFile } from './pictureError.ts';
import { upright, type Pixels } from './pixels.ts';

/** Files as people have them, for the command line. The app's core is only ever handed PNG: the window opens the rest. */

/** As {@link decodeImage}, of PNG and JPEG. */
export function decodeImageFile(bytes: Uint8Array, field: string): Promise<RgbImage & Noted> {
  return decode(bytes, field, { png: decodeImage, jpeg: rgbOf });
}

/** As {@link decodeMask}, of PNG and JPEG. */
export function decodeMaskFile(bytes: Uint8Array, field: string): Promise<GreyImage & Noted> {
  return decode(bytes, field, { png: decodeMask, jpeg: greyOf });
}

interface Ways<T> {
  png(bytes: Uint8Array, field: string): T;
  jpeg(pixels: Pixels): T;
}

async function decode<T>(bytes: Uint8Array, field: string, { png, jpeg }: Ways<T>): Promise<T> {
  if (!isJpeg(bytes)) return png(bytes, field);
  try {
    checkInputFile(bytes);
    return jpeg(upright(await decodeJpeg(bytes)));
  } catch (error) {
    throw asInvalidInput(error, field);
  }
}
