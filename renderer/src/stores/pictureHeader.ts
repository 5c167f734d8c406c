/** What the first bytes of a picture file tell, before anything is decoded. */
export interface PictureHeader {
  readonly kind: 'png' | 'jpeg' | 'gif' | 'webp' | 'avif' | 'bmp';
  /** Sides in pixels as stored, before any rotation; null where the file does not say it up front. */
  readonly width: number | null;
  readonly height: number | null;
  /** More than one frame. */
  readonly animated: boolean;
  /** More than 8 bits a channel. */
  readonly deep: boolean;
}

/** Reads the header of a picture; null for bytes of no picture that can be taken. */
export function readPictureHeader(bytes: Uint8Array): PictureHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return readPng(bytes, view);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return readJpeg(bytes, view);
  if (isAscii(bytes, 0, 'GIF8')) return readGif(bytes, view);
  if (isAscii(bytes, 0, 'RIFF') && isAscii(bytes, 8, 'WEBP')) return readWebp(bytes, view);
  if (isAscii(bytes, 4, 'ftyp') && hasAvifBrand(bytes, view)) return readAvif(bytes, view);
  if (isAscii(bytes, 0, 'BM') && bytes.length >= 26) {
    return { kind: 'bmp', width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)), animated: false, deep: false };
  }
  return null;
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

function isAscii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

const unknownSides = { width: null, height: null };

/** PNG 3rd edition, 11.2.2 (IHDR) and 11.3.6 (acTL, always before IDAT). */
function readPng(bytes: Uint8Array, view: DataView): PictureHeader {
  const kind = 'png';
  if (bytes.length < 26) return { kind, ...unknownSides, animated: false, deep: false };
  let animated = false;
  for (let at = 8; at + 8 <= bytes.length && !isAscii(bytes, at + 4, 'IDAT'); at += 12 + view.getUint32(at)) {
    if (isAscii(bytes, at + 4, 'acTL') && at + 12 <= bytes.length) animated = view.getUint32(at + 8) > 1;
  }
  return { kind, width: view.getUint32(16), height: view.getUint32(20), animated, deep: bytes[24] === 16 };
}

/** ITU-T T.81, B.1.1: markers up to the first frame header. */
function readJpeg(bytes: Uint8Array, view: DataView): PictureHeader {
  const kind = 'jpeg';
  for (let at = 2; at + 9 <= bytes.length; ) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff) break;
    // Fill bytes, and markers that stand alone.
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      return { kind, width: view.getUint16(at + 7), height: view.getUint16(at + 5), animated: false, deep: (bytes[at + 4] ?? 8) > 8 };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return { kind, ...unknownSides, animated: false, deep: false };
}

/** GIF89a: blocks are walked until a second image descriptor. */
function readGif(bytes: Uint8Array, view: DataView): PictureHeader {
  const kind = 'gif';
  if (bytes.length < 13) return { kind, ...unknownSides, animated: false, deep: false };
  const tableBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));
  let at = 13 + tableBytes(bytes[10] ?? 0);
  let frames = 0;
  while (at < bytes.length && frames < 2) {
    const block = bytes[at];
    if (block === 0x2c) {
      frames++;
      at += 10 + tableBytes(bytes[at + 9] ?? 0) + 1;
    } else if (block === 0x21) at += 2;
    else break;
    while (at < bytes.length && bytes[at] !== 0) at += 1 + (bytes[at] ?? 0);
    at++;
  }
  return { kind, width: view.getUint16(6, true), height: view.getUint16(8, true), animated: frames > 1, deep: false };
}

/** RFC 9649, sections 2.5 to 2.7. */
function readWebp(bytes: Uint8Array, view: DataView): PictureHeader {
  const kind = 'webp';
  const still = { kind, animated: false, deep: false } as const;
  if (bytes.length < 30) return { ...still, ...unknownSides };
  if (isAscii(bytes, 12, 'VP8X')) {
    const side = (at: number): number => 1 + (view.getUint16(at, true) | ((bytes[at + 2] ?? 0) << 16));
    return { kind, width: side(24), height: side(27), animated: ((bytes[20] ?? 0) & 2) !== 0, deep: false };
  }
  if (isAscii(bytes, 12, 'VP8L')) {
    const bits = view.getUint32(21, true);
    return { ...still, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return { ...still, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

/** Any brand of the file will do: the first may be the general `mif1`. */
function hasAvifBrand(bytes: Uint8Array, view: DataView): boolean {
  const end = Math.min(bytes.length, view.getUint32(0));
  for (let at = 8; at + 4 <= end; at += 4) if (isAscii(bytes, at, 'avif') || isAscii(bytes, at, 'avis')) return true;
  return false;
}

/** ISO/IEC 23008-12: the largest `ispe` is the picture's, smaller ones are its tiles or thumbnails. */
function readAvif(bytes: Uint8Array, view: DataView): PictureHeader {
  let width: number | null = null;
  let height: number | null = null;
  let deep = false;
  const end = Math.min(bytes.length - 16, 65_536);
  for (let at = 0; at < end; at++) {
    if (isAscii(bytes, at, 'ispe')) {
      width = Math.max(width ?? 0, view.getUint32(at + 8));
      height = Math.max(height ?? 0, view.getUint32(at + 12));
    } else if (isAscii(bytes, at, 'av1C')) deep ||= ((bytes[at + 6] ?? 0) & 0x40) !== 0;
  }
  return { kind: 'avif', width, height, animated: isAscii(bytes, 8, 'avis'), deep };
}
