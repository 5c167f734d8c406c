import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import type { CheckedOnnx } from './externalData.ts';
import { keepHash, readKeptHash } from './hashCache.ts';
import { copyAgain, ModelFault } from './modelFault.ts';

/** Far above any config; what is larger is none. */
const mostBytes = 16 * 1024 * 1024;

/**
 * A JSON file of a model folder.
 * @throws StopbathError `MODEL_PARTS` when it is missing, `MODEL_BAD` when it is no JSON object.
 */
export async function readModelJson(folder: string, name: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    const file = join(folder, name);
    const { size } = await stat(file);
    if (size > mostBytes) throw tooLarge(name, size);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof ModelFault) throw error;
    throw new ModelFault('PART_MISSING', partOfName(name), { code: 'MODEL_PARTS', message: `${name} is missing.`, nextStep: copyAgain }, { cause: error });
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(withoutInfinities(text)));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new ModelFault(
      'CONFIG_DAMAGED',
      partOfName(name),
      { code: 'MODEL_BAD', message: `${name} is damaged.`, nextStep: `Copy or download ${name} again.`, detail },
      { cause: error },
    );
  }
}

function tooLarge(name: string, size: number): ModelFault {
  const message = `${name} is damaged: no config has ${size} bytes.`;
  return new ModelFault('CONFIG_DAMAGED', partOfName(name), { code: 'MODEL_BAD', message, nextStep: `Copy or download ${name} again.` });
}

/** `unet` of `unet/config.json`; empty for a file of the whole model. */
function partOfName(name: string): string {
  return name.includes('/') ? (name.split('/')[0] ?? '') : '';
}

/** Python writes numbers JSON does not know, `"lambda_min_clipped": -Infinity` in the configs of DPM++: they become null. */
function withoutInfinities(text: string): string {
  return text.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|-?\bInfinity\b|\bNaN\b/g, (_, text?: string) => text ?? 'null');
}

/** The same, or null where the folder has no such file. */
export async function readOptionalModelJson(folder: string, name: string): Promise<Record<string, unknown> | null> {
  try {
    return await readModelJson(folder, name);
  } catch (error) {
    if (error instanceof StopbathError && error.code === 'MODEL_PARTS') return null;
    throw error;
  }
}

const hashes = new Map<string, string>();
/** Bytes; smaller parts are read in no time. */
const keptFrom = 64 * 1024 * 1024;

/**
 * SHA-256 of a part's .onnx file and of the files its weights lie in, in name order; hex.
 * Kept while path, sizes and times stay the same, of large parts also in the cache folder.
 */
export async function hashPart({ file, dataFiles }: Pick<CheckedOnnx, 'file' | 'dataFiles'>, cacheFolder: string | null = null): Promise<string> {
  const files = [file, ...dataFiles];
  const stats = await Promise.all(files.map((file) => stat(file)));
  const key = stats.map(({ size, mtimeMs }, index) => `${files[index] ?? ''}|${size}|${mtimeMs}`).join('\n');
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const isLarge = stats.reduce((sum, { size }) => sum + size, 0) > keptFrom;
  const kept = isLarge && cacheFolder !== null ? await readKeptHash(cacheFolder, key) : null;
  if (kept !== null) return kept;
  const hash = createHash('sha256');
  for (const file of files) {
    await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) hash.update(chunk);
    });
  }
  const digest = hash.digest('hex');
  hashes.set(key, digest);
  if (isLarge && cacheFolder !== null) await keepHash(cacheFolder, key, digest);
  return digest;
}

/** Written into a folder that was made from a checkpoint (`graph/checkpointRecord.ts`). */
const checkpointRecord = 'checkpoint.json';

/** What tells a model that was made from a checkpoint apart, hex; null for other folders. Its weights are gigabytes: nobody reads them for this. */
export async function recordedHash(folder: string): Promise<string | null> {
  const hash = (await readOptionalModelJson(folder, checkpointRecord))?.['modelHash'];
  return typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? hash : null;
}

/** What a model calls itself: `name` of its starter.json or of the checkpoint it was made from, else its folder's name. */
export async function readModelName(folder: string): Promise<string> {
  for (const file of ['starter.json', checkpointRecord]) {
    const name = (await readOptionalModelJson(folder, file))?.['name'];
    if (typeof name === 'string' && name !== '') return name;
  }
  return basename(folder);
}
