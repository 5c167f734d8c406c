import { readPictureHeader, type PictureHeader } from './pictureHeader.ts';
import { isTooLarge, type Sides } from './pictureSize.ts';

/** Why a file cannot be a start picture; the message key under `start.problem`. */
export type PictureProblem =
  | { readonly key: 'notPicture' | 'broken' | 'tooHeavy' | 'sendFailed' | 'gone' }
  | { readonly key: 'tooLarge'; readonly width: number; readonly height: number };

export class PictureError extends Error {
  readonly problem: PictureProblem;

  constructor(problem: PictureProblem, options?: ErrorOptions) {
    super(problem.key, options);
    this.name = 'PictureError';
    this.problem = problem;
  }
}

/** What was changed on the way to an opaque 8-bit picture; message keys under `start.note`. */
export type PictureNote = 'transparent' | 'firstFrame' | 'reduced';

export interface DecodedPicture extends Sides {
  /** An opaque PNG, upright. */
  readonly png: Blob;
  readonly notes: readonly PictureNote[];
}

/** Rows read back at once when looking for transparency. */
const rowsAtOnce = 512;
const kindsWithAlpha: readonly PictureHeader['kind'][] = ['png', 'gif', 'webp', 'avif'];

/**
 * Decodes any picture the browser can, turns it upright as its Exif says, puts white under what is transparent, and
 * encodes it as PNG.
 * @throws PictureError for a file that is none, is broken, or is too large; the signal's reason when aborted.
 */
export async function decodePicture(file: Blob, signal: AbortSignal, onPhase: (phase: 'converting') => void): Promise<DecodedPicture> {
  const header = readPictureHeader(new Uint8Array(await file.arrayBuffer()));
  signal.throwIfAborted();
  if (header === null) throw new PictureError({ key: 'notPicture' });
  if (header.width !== null && header.height !== null) checkSides({ width: header.width, height: header.height });
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch((cause: unknown) => {
    throw new PictureError({ key: 'broken' }, { cause });
  });
  try {
    signal.throwIfAborted();
    checkSides(bitmap);
    onPhase('converting');
    const { width, height } = bitmap;
    const transparent = kindsWithAlpha.includes(header.kind) && (await isTransparent(bitmap, signal));
    const png = await toOpaquePng(bitmap);
    signal.throwIfAborted();
    const notes: PictureNote[] = [];
    if (transparent) notes.push('transparent');
    if (header.animated) notes.push('firstFrame');
    if (header.deep) notes.push('reduced');
    return { width, height, png, notes };
  } finally {
    bitmap.close();
  }
}

function checkSides({ width, height }: Sides): void {
  if (isTooLarge({ width, height })) throw new PictureError({ key: 'tooLarge', width, height });
}

async function isTransparent(bitmap: ImageBitmap, signal: AbortSignal): Promise<boolean> {
  for await (const { rgba } of readRows(bitmap)) {
    signal.throwIfAborted();
    for (let at = 3; at < rgba.length; at += 4) if (rgba[at] !== 255) return true;
  }
  return false;
}

/** The pixels of a bitmap in strips, with a turn of the event loop between: a large one takes a while. */
export async function* readRows(bitmap: ImageBitmap): AsyncGenerator<{ readonly firstRow: number; readonly rgba: Uint8ClampedArray }> {
  const strip = new OffscreenCanvas(bitmap.width, Math.min(rowsAtOnce, bitmap.height));
  const context = contextOf(strip);
  for (let firstRow = 0; firstRow < bitmap.height; firstRow += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, bitmap.height - firstRow);
    context.clearRect(0, 0, strip.width, strip.height);
    context.drawImage(bitmap, 0, -firstRow);
    yield { firstRow, rgba: context.getImageData(0, 0, bitmap.width, rows).data };
    await new Promise((resolve) => setTimeout(resolve));
  }
}

async function toOpaquePng(bitmap: ImageBitmap): Promise<Blob> {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = contextOf(canvas);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  return await canvas.convertToBlob({ type: 'image/png' });
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  // Pixels are read back: kept in main memory, where that costs nothing.
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new PictureError({ key: 'broken' });
  return context;
}
