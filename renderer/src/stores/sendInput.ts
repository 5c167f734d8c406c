import { inputImageSchema, type InputImage } from '../../../shared/generation.ts';
import { PictureError } from './decodePicture.ts';

export function inputUrl(id: string): string {
  return `/inputs/${id}.png`;
}

/**
 * Puts a PNG among the app's inputs.
 * @throws PictureError when the app does not take it, or is out of reach; the signal's reason when aborted.
 */
export async function sendInput(png: Blob, signal?: AbortSignal): Promise<InputImage> {
  try {
    const response = await fetch('/inputs', {
      method: 'POST',
      headers: { 'Content-Type': 'image/png' },
      // Not the Blob itself: Electron has lost such bodies on the way to a scheme of one's own (electron/electron#39709).
      body: await png.arrayBuffer(),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status === 413) throw new PictureError({ key: 'tooHeavy' });
    if (response.status === 422) throw new PictureError({ key: 'broken' });
    if (response.status !== 201) throw new Error(`The app answered ${String(response.status)}: ${await response.text()}`);
    return inputImageSchema.parse(await response.json());
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof PictureError) throw cause;
    throw new PictureError({ key: 'sendFailed' }, { cause });
  }
}
