import { readOrientation } from './exif.ts';
import { checkInputSize, damaged, PictureError } from './pictureError.ts';

/** What a JPEG says of itself before its first scan (ITU T.81, annex B). */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 to 8; 1 is upright. */
  readonly orientation: number;
}

/**
 * No encoder comes near it. A scan of a few bytes goes over the whole picture: without a limit a small file could keep us busy
 * for hours.
 */
const maxScans = 200;
const startOfScan = Buffer.from([0xff, 0xda]);

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Everything that has to be known before a byte is allocated for the pixels.
 * @throws PictureError for a header that is damaged or cut off, a picture that is too large, and for CMYK, arithmetic, lossless
 *   and 12-bit files.
 */
export function readJpegHeader(file: Buffer): JpegHeader {
  let frame: Omit<JpegHeader, 'orientation'> | null = null;
  let orientation = 1;
  for (let at = 2; ; ) {
    while (file[at] === 0xff && file[at + 1] === 0xff) at++;
    const marker = file[at + 1];
    if (marker === undefined) throw damaged('the end of the file is missing');
    if (file[at] !== 0xff) throw damaged('a part of it is in the wrong place');
    if (marker === 0xd9) throw damaged('it has no pixels');
    const end = at + 4 > file.length ? Infinity : at + 2 + file.readUInt16BE(at + 2);
    if (end < at + 4 || end > file.length) throw damaged('the end of the file is missing');
    const segment = file.subarray(at + 4, end);
    if (marker === 0xda) break;
    if (isFrame(marker)) {
      if (frame !== null) throw damaged('it holds more than one picture');
      frame = readFrame(marker, segment);
    } else if (marker === 0xe1 && segment.toString('latin1', 0, 6) === 'Exif\0\0') {
      orientation = readOrientation(segment.subarray(6));
    }
    at = end;
  }
  if (frame === null) throw damaged('a part of it is in the wrong place');
  checkScans(file);
  return { ...frame, orientation };
}

/** SOF0 to SOF15; in between lie DHT (c4), JPG (c8) and DAC (cc). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(marker: number, segment: Buffer): Omit<JpegHeader, 'orientation'> {
  // Baseline, extended and progressive with Huffman codes. The others: lossless, hierarchical and arithmetic coding.
  if (marker > 0xc2) throw unusual('of a rare kind');
  if (segment.length < 6) throw damaged('its header is cut off');
  const [precision, , , , , components] = segment;
  if (precision === 12) throw unusual('with 12 bits a colour');
  if (precision !== 8) throw damaged('its header is wrong');
  if (components === 4) throw unusual('in CMYK');
  if (components !== 1 && components !== 3) throw damaged('it has colours that no picture has');
  const [height, width] = [segment.readUInt16BE(1), segment.readUInt16BE(3)];
  checkInputSize(width, height);
  return { width, height };
}

/** In coded pixels ff is never followed by da, so what looks like a scan is one, but for rare bytes of a table or a text. */
function checkScans(file: Buffer): void {
  let scans = 0;
  for (let at = file.indexOf(startOfScan); at !== -1; at = file.indexOf(startOfScan, at + 2)) {
    if (++scans > maxScans) throw damaged('it has too many parts');
  }
}

function unusual(kind: string): PictureError {
  return new PictureError(
    `JPEG files ${kind} are not read here.`,
    "Save it as PNG or as an RGB JPEG, or put it in through the app's window, which opens more formats.",
  );
}
