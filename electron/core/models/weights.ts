import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isExternalData, isOnnx, isSafetensors } from './fileNames.ts';
import { modelFiles } from './folderBytes.ts';
import type { FoundModel } from './findModels.ts';

type Origin = FoundModel['origin'];

/**
 * The files whose bytes tell one model from another: a checkpoint, or the UNet of a folder (its graph, then its data by name, as
 * the engine hashes them). Absolute paths.
 */
export async function weightFiles(path: string, origin: Origin): Promise<string[]> {
  if (origin === 'checkpoint') return [path];
  const names = (await modelFiles(path)).map((file) => file.path);
  const parts = names.filter((name) => /^unet([./_]|$)/.test(name));
  const own =
    origin === 'onnx'
      ? [...parts.filter(isOnnx), ...parts.filter(isExternalData).sort()]
      : parts.filter(isSafetensors).sort();
  return own.map((name) => join(path, name));
}

/**
 * A text that changes with the names, sizes and times of a model's files.
 * @throws what the system says when it is not there.
 */
export async function stampOf(path: string, origin: Origin): Promise<string> {
  const found = await stat(path);
  if (origin === 'checkpoint') return `${found.size}|${found.mtimeMs}`;
  const hash = createHash('sha256');
  for (const file of await modelFiles(path)) {
    const { mtimeMs } = await stat(join(path, file.path));
    hash.update(`${file.path}|${file.bytes}|${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}

/** SHA-256 of files one after the other, hexadecimal: of a single file what A1111 shows the first ten digits of. */
export async function hashFiles(files: readonly string[], signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024, signal })) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
