import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import { type CheckpointRecord, readRecord } from './checkpointRecord.ts';

/**
 * Copies of a checkpoint's files that its folders have already, for another device, other LoRAs or another word said of it: gigabytes that
 * are not copied twice.
 * @param root the place of the folders
 * @returns path of every file that has one, and where it lies
 */
export async function findCopies(root: string, { source, stamps }: CheckpointRecord): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(root).catch(() => [])) {
    if (name.startsWith('.')) continue;
    const other = await readRecord(join(root, name));
    if (other?.source !== source) continue;
    for (const { path, size, mtimeMs } of stamps) {
      const link = other.copies[path];
      const then = other.stamps.find((stamp) => stamp.path === path);
      if (link === undefined || then?.size !== size || then.mtimeMs !== mtimeMs) continue;
      const copy = join(root, name, link);
      if ((await stat(copy).catch(() => null))?.size === size) found.set(path, copy);
    }
  }
  return found;
}

/** What a computer needs to go on living: not filled to the last byte. */
const spareBytes = 64 * 2 ** 20;

/** @param folder one that is there @throws StopbathError `DISK_FULL` where so many bytes have no room */
export async function checkRoom(folder: string, name: string, bytes: number): Promise<void> {
  const disk = await statfs(folder).catch(() => null);
  if (bytes === 0 || disk === null) return;
  const free = disk.bavail * disk.bsize;
  if (free >= bytes + spareBytes) return;
  throw new StopbathError({
    code: 'DISK_FULL',
    message: `A copy of ${name} takes ${inWords(bytes)}, and ${inWords(free)} are free at ${folder}.`,
    nextStep: 'Free some space, then let it be copied again.',
  });
}

export function inWords(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
