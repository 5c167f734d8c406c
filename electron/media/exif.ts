/** EXIF 2.32, 4.6.4: the orientation tag of the first directory; a SHORT. */
const orientationTag = 0x0112;
const shortType = 3;

/**
 * The orientation in a TIFF header with its first directory (what follows `Exif\0\0` in a JPEG, the whole of a PNG's eXIf).
 * @returns 1 (upright) where there is none, or the block is damaged: a picture that can be read is not refused for it.
 */
export function readOrientation(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const littleEndian = order === 0x4949;
  const directory = view.getUint32(4, littleEndian);
  if (view.getUint16(2, littleEndian) !== 42 || directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, littleEndian);
  for (let at = directory + 2, left = entries; left > 0 && at + 12 <= tiff.length; left--, at += 12) {
    if (view.getUint16(at, littleEndian) !== orientationTag) continue;
    if (view.getUint16(at + 2, littleEndian) !== shortType) return 1;
    const orientation = view.getUint16(at + 8, littleEndian);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}
