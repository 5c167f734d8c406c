import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';

const repair = 'Copy or download the model again.';

/**
 * A JSON file of a model folder.
 * @throws StopbathError `MODEL_PARTS` when it is missing, `MODEL_BAD` when it is no JSON object.
 */
export async function readModelJson(folder: string, name: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(join(folder, name), 'utf8');
  } catch (error) {
    throw new StopbathError({ code: 'MODEL_PARTS', message: `${name} is missing.`, nextStep: repair }, { cause: error });
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(withoutInfinities(text)));
  } catch (error) {
    throw new StopbathError({ code: 'MODEL_BAD', message: `${name} is damaged.`, nextStep: repair }, { cause: error });
  }
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

/**
 * `_class_name` of a model folder.
 * @throws StopbathError `MODEL_NOT_FOUND` when there is no folder, `MODEL_PARTS` without its model_index.json.
 */
export async function readClassName(folder: string): Promise<string> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('not a folder');
  } catch (error) {
    throw new StopbathError(
      { code: 'MODEL_NOT_FOUND', message: `There is no model folder at ${folder}.` },
      { cause: error },
    );
  }
  const className = (await readModelJson(folder, 'model_index.json'))['_class_name'];
  return typeof className === 'string' ? className : '';
}

/** @throws StopbathError `MODEL_PARTS` naming the first file that is not there. */
export async function requireFiles(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await stat(join(folder, name));
    } catch (error) {
      throw new StopbathError({ code: 'MODEL_PARTS', message: `${name} is missing.`, nextStep: repair }, { cause: error });
    }
  }
}

const hashes = new Map<string, string>();

/**
 * SHA-256 of unet/model.onnx and, where its weights lie beside it, of those files in name order; hex.
 * Kept while path, sizes and times stay the same.
 */
export async function hashUnet(folder: string): Promise<string> {
  const unet = join(folder, 'unet');
  const data = (await readdir(unet)).filter((name) => /^(model\.onnx[._]data|weights\.pb)/.test(name)).sort();
  const files = ['model.onnx', ...data].map((name) => join(unet, name));
  const stats = await Promise.all(files.map((file) => stat(file)));
  const key = stats.map(({ size, mtimeMs }, index) => `${files[index] ?? ''}|${size}|${mtimeMs}`).join('\n');
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (const file of files) {
    await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) hash.update(chunk);
    });
  }
  const digest = hash.digest('hex');
  hashes.set(key, digest);
  return digest;
}

/** What a model calls itself: `name` of its starter.json, else its folder's name. */
export async function readModelName(folder: string): Promise<string> {
  const name = (await readOptionalModelJson(folder, 'starter.json'))?.['name'];
  return typeof name === 'string' && name !== '' ? name : basename(folder);
}
