import { describe, expect, it } from 'vitest';
import { StopbathError } from '../../shared/errors.ts';
import { decodeImageFile, decodeMaskFile } from './decodeFile.ts';
import { cmykJpeg, goldenFile, goldenPictures, sha256 } from './golden/pictures.ts';
import { maxInputFileBytes } from './pictureError.ts';

const jpeg = goldenFile('33x18 420.jpg');
const progressive = goldenFile('33x18 420 progressive.jpg');

type Decode = (bytes: Uint8Array, field: string) => Promise<unknown>;

/** The failure a file is refused with. */
async function refusal(bytes: Uint8Array, decode: Decode = decodeImageFile): Promise<StopbathError> {
  try {
    await decode(bytes, 'image');
  } catch (error) {
    if (error instanceof StopbathError) return error;
    throw error;
  }
  throw new Error('It was taken.');
}

/** The first part of that kind as one of another kind. */
function withMarker(from: number, to: number): Buffer {
  const file = Buffer.from(jpeg);
  file[file.indexOf(Buffer.from([0xff, from])) + 1] = to;
  return file;
}

describe('pictures that Pillow wrote', () => {
  const exact = [...goldenPictures].filter(([, { pixels }]) => pixels === undefined);

  it.each(exact)('%s gives the very pixels Pillow reads', async (name, { file, width, height, rgb, grey }) => {
    const image = await decodeImageFile(file, 'image');
    expect({ width: image.width, height: image.height }).toEqual({ width, height });
    expect(sha256(image.rgb)).toBe(rgb);
    expect(sha256((await decodeMaskFile(file, 'mask')).grey)).toBe(grey);
    expect(image.notes).toEqual(/orientation [2-8]/.test(name) ? ['It was turned upright as its EXIF orientation says.'] : []);
  });

  it('440.jpg comes within 2 of 255: only the blending between its rows of colour differs', async () => {
    const { file, pixels } = goldenPictures.get('440.jpg') ?? {};
    const { rgb } = await decodeImageFile(file ?? new Uint8Array(), 'image');
    const differences = [...rgb].map((value, index) => Math.abs(value - (pixels?.[index] ?? Infinity)));
    expect(differences).toHaveLength(16 * 32 * 3);
    expect(Math.max(...differences)).toBeLessThanOrEqual(2);
  });

  it('a frame of Motion JPEG, which leaves out the usual codes, is read with them', async () => {
    const { rgb } = await decodeImageFile(withMarker(0xc4, 0xec), 'image');
    expect(sha256(rgb)).toBe(goldenPictures.get('33x18 420.jpg')?.rgb);
  });

  it('a good picture is not harmed by a broken one at the same time', async () => {
    const [broken, good] = await Promise.allSettled([decodeImageFile(jpeg.subarray(0, -40), 'image'), decodeImageFile(jpeg, 'image')]);
    expect(broken.status).toBe('rejected');
    expect(good).toMatchObject({ status: 'fulfilled', value: { width: 33, height: 18 } });
  });
});

describe('a file that cannot be used', () => {
  const withSides = (width: number, height: number): Buffer => {
    const file = Buffer.from(jpeg);
    const at = file.indexOf(Buffer.from([0xff, 0xc0]));
    file.writeUInt16BE(height, at + 5);
    file.writeUInt16BE(width, at + 7);
    return file;
  };
  const withPrecision = (bits: number): Buffer => {
    const file = Buffer.from(jpeg);
    file[file.indexOf(Buffer.from([0xff, 0xc0])) + 4] = bits;
    return file;
  };
  /** The first scan of a progressive file many times over. */
  const withScans = (times: number): Buffer => {
    const at = progressive.indexOf(Buffer.from([0xff, 0xda]));
    const next = progressive.indexOf(Buffer.from([0xff, 0xc4]), at);
    const scans = Array.from({ length: times }, () => progressive.subarray(at, next));
    return Buffer.concat([progressive.subarray(0, at), ...scans, progressive.subarray(next)]);
  };
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));

  it.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /empty/],
    ['text', Buffer.from('hello, I am no picture'), /no picture/],
    ['GIF', Buffer.from('GIF89a..........'), /GIF files are not read/],
    ['a cut PNG', goldenFile('rgb.png').subarray(0, 60), /end of the file is missing/],
    ['CMYK', cmykJpeg, /JPEG files in CMYK are not read/],
    ['12 bits a colour', withPrecision(12), /12 bits/],
    ['7 bits a colour', withPrecision(7), /header is wrong/],
    ['arithmetic coding', withMarker(0xc0, 0xc9), /rare kind/],
    ['lossless coding', withMarker(0xc0, 0xc3), /rare kind/],
    ['too wide', withSides(16_385, 1), /too large: 16385 x 1/],
    ['too many pixels', withSides(16_384, 4_097), /too large/],
    ['far more pixels than there are', withSides(8_192, 8_192), /some of its pixels are missing|cannot be read/],
    ['no height', withSides(33, 0), /33 x 0/],
    ['a second frame', Buffer.concat([jpeg.subarray(0, frame), jpeg.subarray(frame, frame + 19), jpeg.subarray(frame)]), /more than one picture/],
    ['stray bytes between its parts', Buffer.concat([jpeg.subarray(0, frame), Buffer.from('stray'), jpeg.subarray(frame)]), /wrong place/],
    ['cut in its header', jpeg.subarray(0, 100), /end of the file is missing/],
    ['cut in its pixels', jpeg.subarray(0, -40), /some of its pixels are missing/],
    ['without its end', jpeg.subarray(0, -2), /some of its pixels are missing/],
    ['progressive, cut in its pixels', progressive.subarray(0, -60), /some of its pixels are missing/],
    ['an end behind the beginning', Buffer.from([0xff, 0xd8, 0xff, 0xd9]), /no pixels/],
    ['pixels without a header', withMarker(0xc0, 0xec), /wrong place/],
    ['no quantisation tables', withMarker(0xdb, 0xec), /cannot be read \(Quantization table 0x00 was not defined\)/],
    ['thousands of scans', withScans(300), /too many parts/],
    ['scans that repeat each other', withScans(2), /cannot be read \(Inconsistent progression/],
  ])('%s', async (_, bytes, message) => {
    for (const decode of [decodeImageFile, decodeMaskFile]) {
      const failure = await refusal(bytes, decode);
      expect(failure).toMatchObject({ code: 'INVALID_INPUT', field: 'image' });
      expect(failure.message).toMatch(/^image: /);
      expect(failure.message).toMatch(message);
      expect(failure.nextStep).toMatch(/\.$/);
    }
  });

  it('is refused for its sheer size, unread', async () => {
    const file = new Uint8Array(maxInputFileBytes + 1);
    file.set([0xff, 0xd8, 0xff]);
    expect((await refusal(file)).message).toMatch(/too large: 129 MiB/);
  });

  it.each(['progressive restarts.jpg', 'orientation 6.jpg'])('%s with any one byte wrong gives a refusal or a picture, and nothing else', async (name) => {
    const file = goldenFile(name);
    const ends = { refused: 0, taken: 0 };
    for (let at = 3; at < file.length; at++) {
      const broken = Buffer.from(file);
      broken[at] = (at * 37 + (broken[at] ?? 0) + 1) & 0xff;
      try {
        const { width, height, rgb } = await decodeImageFile(broken, 'image');
        expect(rgb).toHaveLength(width * height * 3);
        ends.taken++;
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(StopbathError);
        ends.refused++;
      }
    }
    expect(ends.refused).toBeGreaterThan(100);
    expect(ends.taken).toBeGreaterThan(100);
  });
});
