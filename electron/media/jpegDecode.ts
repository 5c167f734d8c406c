import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import createCodec from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import { readJpegHeader, type JpegHeader } from './jpegHeader.ts';
import { damaged, type PictureError } from './pictureError.ts';
import type { Pixels } from './pixels.ts';

/** What is used here of the codec's Emscripten module; the types it comes with want the DOM, and leave out `printErr`. */
type CreateCodec = (options: {
  readonly wasmBinary: Uint8Array;
  /** Takes every line that libjpeg writes: its first warning, and why it gives up. */
  printErr(line: string): void;
}) => Promise<Codec>;

interface Codec {
  /** RGBA, of grey files too. */
  decode(file: Uint8Array, turnUpright: boolean): { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number } | null;
}

let wasm: Promise<Uint8Array> | null = null;

/**
 * Baseline and progressive JPEG, grey or three components, by MozJPEG compiled to WebAssembly with libjpeg's defaults (slow
 * integer DCT, fancy upsampling): the very pixels that Pillow gives, but for a few of 255 in two rarities that libjpeg-turbo does
 * otherwise by now: blending where only the rows of the colours are halved (4:4:0; at most 2 was seen), and smoothing in a
 * progressive file that stops before its last scans (4). Colour profiles are not applied.
 * @throws PictureError for what {@link readJpegHeader} refuses, and for whatever libjpeg so much as warns of: it would go on with
 *   made-up pixels.
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<Pixels> {
  const header = readJpegHeader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  wasm ??= readFile(createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'));
  const wasmBinary = await wasm;
  // One codec a picture: after an error it is not to be used again, and its memory only ever grows.
  const codec = await (createCodec as CreateCodec)({
    wasmBinary,
    printErr: (line) => {
      throw new Error(line);
    },
  });
  const { width, height, orientation } = header;
  return { width, height, channels: 3, samples: readRgb(codec, bytes, header), orientation, notes: [] };
}

function readRgb(codec: Codec, bytes: Uint8Array, { width, height }: JpegHeader): Uint8Array {
  let image: ReturnType<Codec['decode']>;
  try {
    image = codec.decode(bytes, false);
  } catch (error) {
    // libjpeg's own words, or a trap of WebAssembly, which harms nothing outside it.
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
  if (image?.width !== width || image.height !== height) throw unreadable('other sides than in the header');
  const { data } = image;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    rgb[to++] = data[from] ?? 0;
    rgb[to++] = data[from + 1] ?? 0;
    rgb[to++] = data[from + 2] ?? 0;
  }
  return rgb;
}

function unreadable(reason: string): PictureError {
  return damaged(/premature end/i.test(reason) ? 'some of its pixels are missing' : `its pixels cannot be read (${reason.replace(/\.$/, '')})`);
}
