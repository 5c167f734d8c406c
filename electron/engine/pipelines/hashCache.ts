import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Hashes of weights over the life of a process: a UNet of 3.4 GB takes five seconds of a processor, and an engine that was killed would
 * spend them again. The key says path, size and time of every file.
 */
function fileOf(cacheFolder: string, key: string): string {
  return join(cacheFolder, 'hashes', createHash('sha256').update(key).digest('hex'));
}

/** The hash that was kept for this key, or null. */
export async function readKeptHash(cacheFolder: string, key: string): Promise<string | null> {
  try {
    const text = await readFile(fileOf(cacheFolder, key), 'utf8');
    return /^[0-9a-f]{64}$/.test(text) ? text : null;
  } catch {
    return null;
  }
}

export async function keepHash(cacheFolder: string, key: string, hash: string): Promise<void> {
  try {
    const file = fileOf(cacheFolder, key);
    await mkdir(join(cacheFolder, 'hashes'), { recursive: true });
    await writeFile(`${file}.${process.pid}`, hash);
    await rename(`${file}.${process.pid}`, file);
  } catch {
    // A cache only: without it the weights are read again.
  }
}
