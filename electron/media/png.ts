import { promisify } from 'node:util';
import { deflate, inflateSync } from 'node:zlib';
import type { RgbImage } from '../../shared/engineProtocol.ts';
import { pngChunk, pngChunks, pngSignature } from './pngChunks.ts';

/** A text a PNG carries. Keywords are 1 to 79 Latin-1 characters. */
export interface PngText {
  readonly keyword: string;
  readonly text: string;
}

const deflateAsync = promisify(deflate);

/** No text of ours is near this; a compressed chunk that claims more is not read. */
const maxInflatedText = 16 * 1024 * 1024;

/**
 * An 8-bit RGB picture as PNG, its texts before the pixels so that a reader needs only the start of the file.
 * @throws RangeError when the pixels do not fit the size, or a keyword is not allowed in a PNG.
 */
export async function encodePng(image: RgbImage, texts: readonly PngText[]): Promise<Buffer> {
  const { width, height, rgb } = image;
  if (width < 1 || height < 1 || rgb.length !== width * height * 3) {
    throw new RangeError(`${rgb.length} bytes are not a picture of ${width} x ${height} RGB pixels`);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits a sample, colour type 2 (RGB), deflate, adaptive filters, not interlaced.
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    pngSignature,
    pngChunk('IHDR', header),
    ...texts.map(textChunk),
    pngChunk('IDAT', await deflateAsync(filterRows(image), { level: 6 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Every text of a PNG (tEXt, zTXt, iTXt), in file order. Damaged or cut files give what could be read, others nothing. */
export function readPngTexts(bytes: Uint8Array): PngText[] {
  const texts: PngText[] = [];
  for (const { type, data } of pngChunks(bytes)) {
    const text = readText(type, data);
    if (text !== null) texts.push(text);
  }
  return texts;
}

/** Width and height from the header, or null when these bytes do not start a PNG. */
export function readPngSize(bytes: Uint8Array): { width: number; height: number } | null {
  const first = pngChunks(bytes).next();
  if (first.done === true || first.value.type !== 'IHDR' || first.value.data.length !== 13) return null;
  return { width: first.value.data.readUInt32BE(0), height: first.value.data.readUInt32BE(4) };
}

/** Filter "Up" on every row: each byte less the one above it. One pass, and close to the best choice on smooth pictures. */
function filterRows({ width, height, rgb }: RgbImage): Buffer {
  const stride = width * 3;
  const rows = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const to = y * (stride + 1);
    rows[to] = 2;
    const from = y * stride;
    for (let x = 0; x < stride; x++) {
      const above = y === 0 ? 0 : (rgb[from - stride + x] ?? 0);
      rows[to + 1 + x] = (rgb[from + x] ?? 0) - above;
    }
  }
  return rows;
}

const keywordPattern = /^[\x20-\x7e\xa1-\xff]{1,79}$/;
const latin1Pattern = /^[\n\x20-\x7e\xa0-\xff]*$/;

function textChunk({ keyword, text }: PngText): Buffer {
  if (!keywordPattern.test(keyword)) throw new RangeError(`${JSON.stringify(keyword)} is no PNG keyword`);
  if (latin1Pattern.test(text)) return pngChunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1'));
  // Keyword, 0, not compressed (0, 0), no language, no translated keyword, then UTF-8.
  return pngChunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')]));
}

function readText(type: string, data: Buffer): PngText | null {
  const split = data.indexOf(0);
  if (split < 1) return null;
  const keyword = data.toString('latin1', 0, split);
  const rest = data.subarray(split + 1);
  try {
    switch (type) {
      case 'tEXt':
        return { keyword, text: rest.toString('latin1') };
      case 'zTXt':
        return { keyword, text: inflateText(rest.subarray(1)).toString('latin1') };
      case 'iTXt':
        return readInternationalText(keyword, rest);
      default:
        return null;
    }
  } catch {
    return null;
  }
}

function readInternationalText(keyword: string, rest: Buffer): PngText | null {
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return null;
  const body = rest.subarray(translated + 1);
  return { keyword, text: (rest[0] === 1 ? inflateText(body) : body).toString('utf8') };
}

function inflateText(bytes: Buffer): Buffer {
  return inflateSync(bytes, { maxOutputLength: maxInflatedText });
}
