import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { PreviewMap } from '../latents/latentSpace.ts';
import type { CheckedOnnx } from './externalData.ts';
import { hashPart, recordedHash } from './modelFolder.ts';

const schema = z.object({
  version: z.literal(1),
  factors: z.array(z.array(z.number()).length(3)).min(1),
  bias: z.array(z.number()).length(3),
  /** Share of the colours it explained when it was fitted. */
  explained: z.number(),
});

/** A {@link PreviewMap} and what it was worth. */
export interface FittedPreview extends PreviewMap {
  readonly version: 1;
  readonly explained: number;
}


function fileOf(cacheFolder: string, vaeHash: string): string {
  return join(cacheFolder, 'previews', `${vaeHash}.json`);
}

/** What tells a decoder apart: a hash of its weights, or of the checkpoint they are part of. */
export async function decoderHash(root: string, decoder: CheckedOnnx, cacheFolder: string): Promise<string> {
  return (await recordedHash(root)) ?? (await hashPart(decoder, cacheFolder));
}

/** The map that was fitted to a decoder of these weights, or null. */
export async function readFittedPreview(cacheFolder: string, vaeHash: string): Promise<FittedPreview | null> {
  try {
    return schema.parse(JSON.parse(await readFile(fileOf(cacheFolder, vaeHash), 'utf8')));
  } catch {
    // Not there or damaged: previews are the family's, until the doctor looks again.
    return null;
  }
}

/** @throws what the file system throws */
export async function writeFittedPreview(cacheFolder: string, vaeHash: string, preview: FittedPreview): Promise<void> {
  const file = fileOf(cacheFolder, vaeHash);
  await mkdir(join(cacheFolder, 'previews'), { recursive: true });
  await writeFile(`${file}.part`, JSON.stringify(preview));
  await rename(`${file}.part`, file);
}
