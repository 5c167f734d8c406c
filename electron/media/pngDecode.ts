import { crc32, inflateSync } from 'node:zlib';
import { readOrientation } from './exif.ts';
import { damaged } from './pictureError.ts';
import type { Pixels } from './pixels.ts';
import { pngSignature } from './pngChunks.ts';
import { readPngHeader, type PngHeader } from './pngHeader.ts';
import { rawBytes, unpackRows } from './pngRows.ts';

interface PngParts {
  readonly header: PngHeader;
  readonly palette: Buffer | null;
  readonly transparency: Buffer | null;
  readonly exif: Buffer | null;
  readonly animated: boolean;
  readonly data: Buffer;
}

type Channels = Pick<Pixels, 'channels' | 'samples'>;

export function isPng(bytes: Uint8Array): boolean {
  return pngSignature.equals(bytes.subarray(0, pngSignature.length));
}

/**
 * Every kind of PNG: grey, RGB, palette, with or without alpha or tRNS, 1 to 16 bits, interlaced. 16-bit samples keep their
 * high byte, as in Pillow; colour profiles and gamma are not applied. An animated PNG gives its default image.
 * All checksums are verified, and no more is inflated than the header's size needs.
 * @throws PictureError for what is damaged, cut off or too large.
 */
export function decodePng(bytes: Uint8Array): Pixels {
  const parts = readParts(bytes);
  const { width, height, depth } = parts.header;
  const notes: string[] = [];
  if (parts.animated) notes.push('It is animated; only its first picture is used.');
  if (depth === 16) notes.push('Its 16 bits a colour were reduced to 8.');
  const { channels, samples } = readPixels(parts);
  const orientation = parts.exif === null ? 1 : readOrientation(parts.exif);
  return { width, height, channels, samples, orientation, notes };
}

function readParts(bytes: Uint8Array): PngParts {
  const data: Buffer[] = [];
  let header: PngHeader | null = null;
  let palette: Buffer | null = null;
  let transparency: Buffer | null = null;
  let exif: Buffer | null = null;
  let animated = false;
  for (const chunk of strictChunks(bytes)) {
    if (header === null) {
      header = readPngHeader(chunk);
      continue;
    }
    switch (chunk.type) {
      case 'PLTE':
        palette = chunk.data;
        break;
      case 'tRNS':
        transparency = chunk.data;
        break;
      case 'eXIf':
        exif = chunk.data;
        break;
      case 'acTL':
        animated = true;
        break;
      case 'IDAT':
        data.push(chunk.data);
        break;
      default:
        // A capital first letter: the picture cannot be shown without it.
        if (/^[A-Z]/.test(chunk.type)) throw damaged(`it has a part ${chunk.type} that no PNG has`);
    }
  }
  if (header === null || data.length === 0) throw damaged('it has no pixels');
  return { header, palette, transparency, exif, animated, data: Buffer.concat(data) };
}

/** The chunks before IEND, all of them whole. */
function* strictChunks(bytes: Uint8Array): Generator<{ type: string; data: Buffer }> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = pngSignature.length; ; ) {
    if (at + 12 > file.length) throw damaged('the end of the file is missing');
    const end = at + 12 + file.readUInt32BE(at);
    if (end > file.length) throw damaged('the end of the file is missing');
    const type = file.toString('latin1', at + 4, at + 8);
    if (!/^[A-Za-z]{4}$/.test(type)) throw damaged('it has a part without a name');
    if (crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4)) {
      throw damaged(`the checksum of its part ${type} is wrong`);
    }
    if (type === 'IEND') return;
    yield { type, data: file.subarray(at + 8, end - 4) };
    at = end;
  }
}

function readPixels(parts: PngParts): Channels {
  const { header, transparency } = parts;
  const { depth, colourType, samples: channels } = header;
  const raw = inflate(parts);
  // A transparent colour is compared at its full depth.
  const keyed = transparency !== null && (colourType === 0 || colourType === 2);
  const wide = keyed && depth === 16;
  const unpacked = unpackRows(header, raw, wide);
  if (colourType === 3) return expandPalette(parts, unpacked);
  if (keyed) return withKey(header, unpacked, wide, transparency);
  return { channels, samples: depth < 8 ? spread(unpacked, depth) : unpacked };
}

function inflate({ header, data }: PngParts): Buffer {
  const needed = rawBytes(header);
  let raw: Buffer;
  try {
    raw = inflateSync(data, { maxOutputLength: needed });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    throw damaged(code === 'ERR_BUFFER_TOO_LARGE' ? 'it holds more than its size says' : 'its pixels cannot be unpacked');
  }
  if (raw.length !== needed) throw damaged('some of its pixels are missing');
  return raw;
}

/** 0 to 2^depth - 1 becomes 0 to 255. */
function spread(unpacked: Uint8Array, depth: number): Uint8Array {
  const factor = 255 / ((1 << depth) - 1);
  return unpacked.map((sample) => sample * factor);
}

function expandPalette({ palette, transparency }: PngParts, indices: Uint8Array): Channels {
  if (palette === null || palette.length === 0 || palette.length % 3 !== 0) throw damaged('its palette is missing');
  const colours = palette.length / 3;
  const channels = transparency === null ? 3 : 4;
  const samples = new Uint8Array(indices.length * channels);
  let to = 0;
  for (const index of indices) {
    if (index >= colours) throw damaged('it names a colour that its palette does not have');
    for (let channel = 0; channel < 3; channel++) samples[to++] = palette[3 * index + channel] ?? 0;
    if (transparency !== null) samples[to++] = transparency[index] ?? 255;
  }
  return { channels, samples };
}

/** tRNS of grey and RGB names one colour that is transparent, at full depth (PNG specification, 11.3.2.1). */
function withKey({ depth, samples: count }: PngHeader, unpacked: Uint8Array, wide: boolean, transparency: Buffer): Channels {
  if (transparency.length !== 2 * count) throw damaged('its transparent colour is cut off');
  const key = Array.from({ length: count }, (_, index) => transparency.readUInt16BE(2 * index));
  const factor = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  const pixels = unpacked.length / (count * (wide ? 2 : 1));
  const samples = new Uint8Array(pixels * (count + 1));
  for (let pixel = 0, to = 0; pixel < pixels; pixel++) {
    let same = true;
    for (let index = 0; index < count; index++) {
      const at = pixel * count + index;
      const high = unpacked[wide ? 2 * at : at] ?? 0;
      same &&= (wide ? (high << 8) | (unpacked[2 * at + 1] ?? 0) : high) === key[index];
      samples[to++] = high * factor;
    }
    samples[to++] = same ? 0 : 255;
  }
  return { channels: (count + 1) as Pixels['channels'], samples };
}
