import { open } from 'node:fs/promises';
import { z } from 'zod';
import type { RgbImage } from '../../shared/engineProtocol.ts';
import { formatInfotext } from '../../shared/infotext.ts';
import { pictureSchema, runTraceSchema, type Picture, type RunTrace } from '../../shared/job.ts';
import { encodePng, readPngTexts } from '../media/png.ts';

/** A decoded picture on its way into the library, with everything that goes into its file. */
export interface PictureDraft {
  readonly facts: Omit<Picture, 'id' | 'url' | 'fileName' | 'createdAt' | 'width' | 'height'>;
  readonly image: RgbImage;
  /** Null when the run's engine was replaced. */
  readonly trace: RunTrace | null;
  readonly modelHash: string | null;
}

/**
 * Our own chunk: the whole record but for what the file's name says. Still version 1: fields that came later have defaults,
 * and names that went are read by the request's schema.
 */
const storedSchema = z.object({
  version: z.literal(1),
  picture: pictureSchema.omit({ id: true, url: true, fileName: true }),
  trace: runTraceSchema.nullable(),
  modelHash: z.string().nullable(),
});

const extension = '.png';

/** A picture's id is its file's name: nothing else has to be kept in step with the folder. */
export function placeOf(fileName: string): Pick<Picture, 'id' | 'url' | 'fileName'> {
  const id = fileName.slice(0, -extension.length);
  return { id, url: `/pictures/${encodeURIComponent(id)}${extension}`, fileName };
}

export function isPictureFile(fileName: string): boolean {
  return fileName.endsWith(extension) && !fileName.startsWith('.');
}

export async function encodePicture(draft: PictureDraft, createdAt: string, version: string): Promise<Buffer> {
  const { facts, image, trace, modelHash } = draft;
  const { request, batchIndex, modelName, stepsDone, numTimesteps } = facts;
  const stored: z.input<typeof storedSchema> = {
    version: 1,
    picture: { ...facts, createdAt, width: image.width, height: image.height },
    trace,
    modelHash,
  };
  return await encodePng(image, [
    {
      keyword: 'parameters',
      text: formatInfotext({ request, batchIndex, modelName, modelHash, stepsDone, numTimesteps, version }),
    },
    { keyword: 'stopbath', text: JSON.stringify(stored) },
  ]);
}

/** Our texts stand before the pixels; the longest prompts allowed fit well into this. */
const headBytes = 64 * 1024;
const longHeadBytes = 2 * 1024 * 1024;

/** The record a picture's own file carries; null for a picture that is not ours, or is damaged. */
export async function readPictureFile(path: string): Promise<Omit<Picture, 'id' | 'url' | 'fileName'> | null> {
  const file = await open(path, 'r');
  try {
    for (const length of [headBytes, longHeadBytes]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
      const text = readPngTexts(buffer.subarray(0, bytesRead)).find(({ keyword }) => keyword === 'stopbath')?.text;
      if (text !== undefined) return parseStored(text);
      if (bytesRead < length) return null;
    }
    return null;
  } finally {
    await file.close();
  }
}

function parseStored(text: string): Omit<Picture, 'id' | 'url' | 'fileName'> | null {
  try {
    return storedSchema.parse(JSON.parse(text)).picture;
  } catch {
    return null;
  }
}
