import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readRecord } from './checkpointRecord.ts';

/** Sets of LoRAs whose graphs are kept for a checkpoint; every set that was tried has some megabytes. */
const mostKept = 8;

/** Notes that a folder was used now. */
export async function markUsed(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => undefined);
}

/**
 * Removes the folders of sets of LoRAs that were used longest ago.
 * @param folder the one just made, which stays
 * @param source the checkpoint all of them were made from
 */
export async function removeOldSets(folder: string, source: string): Promise<void> {
  const root = dirname(folder);
  const others: { path: string; used: number }[] = [];
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const record = name.startsWith('.') || name === basename(folder) ? null : await readRecord(path);
    if (record === null || record.adapters === null || record.source !== source) continue;
    others.push({ path, used: (await stat(path)).mtimeMs });
  }
  const old = others.sort((a, b) => b.used - a.used).slice(mostKept - 1);
  for (const { path } of old) await rm(path, { recursive: true, force: true });
}
