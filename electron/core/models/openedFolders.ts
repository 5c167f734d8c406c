import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredModel } from './modelsFile.ts';

/** The engine's note in such a folder (electron/engine/graph/checkpointRecord.ts). */
const recordName = 'checkpoint.json';

/**
 * Deletes the folder that was written over a checkpoint, in the app's store or beside the file; the checkpoint itself is only linked
 * there. Only a folder that says so is deleted.
 * @returns bytes that the disk got back
 */
export async function removeOpened({ origin, path, folder }: Pick<StoredModel, 'origin' | 'path' | 'folder'>): Promise<number> {
  if (origin === 'onnx' || folder === path) return 0;
  if ((await stat(join(folder, recordName)).catch(() => null)) === null) return 0;
  let freed = 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = await stat(join(entry.parentPath, entry.name)).catch(() => null);
    if (file?.nlink === 1) freed += file.size;
  }
  await rm(folder, { recursive: true, force: true });
  return freed;
}
