import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { broken } from './refusal.ts';

/** Configs have a few kilobytes; the index of a large model's shards a few hundred. */
const largest = 4_000_000;

const objectSchema = z.record(z.string(), z.unknown());

/**
 * A JSON object in a file of a model folder, or null where there is no such file.
 * @throws StopbathError `MODEL_BAD` for one that is no JSON object or larger than any config.
 */
export async function readSmallJson(folder: string, name: string): Promise<Record<string, unknown> | null> {
  const path = join(folder, name);
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return null;
  if (found.size > largest) throw broken(`${name} has ${found.size} bytes: no config is that large.`);
  try {
    return objectSchema.parse(JSON.parse(withoutInfinities(await readFile(path, 'utf8'))));
  } catch (error) {
    throw broken(`${name} is damaged.`, error instanceof Error ? error.message : String(error));
  }
}

/** Python writes numbers JSON does not know; they become null. */
function withoutInfinities(text: string): string {
  return text.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|-?\bInfinity\b|\bNaN\b/g, (_, string?: string) => string ?? 'null');
}
