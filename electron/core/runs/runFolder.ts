import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../files.ts';
import type { StoredFiles } from './budget.ts';
import { isWholeLength, prefixBytes } from './checkpointFile.ts';

/** What a run's folder holds, by the names of its files. */
export interface FolderContent {
  /** Step (0-based) -> bytes. */
  readonly checkpoints: Map<number, number>;
  /** File name -> bytes. */
  readonly previews: Map<string, number>;
}

/** A run's folder has the id of its job for a name. */
export const idPattern = /^[\w-]{1,64}$/;

/** The writes of the run store: a seam, so that a test can slow a disk down or fill it. */
export interface RunDisk {
  /**
   * A reader sees the old file or the new one, never a part.
   * @param flush also after a power cut; else what a kill of the app leaves is whole, and a power cut may tear it
   */
  write(path: string, bytes: Uint8Array | string, flush: boolean): Promise<void>;
  /** Brings what was written before to the disk itself. */
  flush(path: string): Promise<void>;
}

const temporarySuffix = '.tmp';
/** What another version of Stopbath wrote is kept under this name. */
export const asideSuffix = '.unreadable';

export const runDisk: RunDisk = {
  write: async (path, bytes, flush) => {
    const folder = join(path, '..');
    const temporary = `${path}${temporarySuffix}`;
    await mkdir(folder, { recursive: true });
    try {
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(bytes);
        if (flush) await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    if (flush) await flushFolder(folder);
  },
  flush: async (path) => {
    const file = await open(path, 'r+');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
    await flushFolder(join(path, '..'));
  },
};

/** So that the file's name is there after a power cut as well. Windows opens no folders, and needs none of this. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function checkpointName(stepIndex: number): string {
  return `${String(stepIndex).padStart(3, '0')}.checkpoint`;
}

export function previewName(stepIndex: number, source: string): string {
  return `${String(stepIndex).padStart(3, '0')}.${source}.png`;
}

/** The step and source of a preview's file name; null for another file. */
export function parsePreviewName(name: string): { stepIndex: number; source: 'linear' | 'decoder' } | null {
  const match = /^(\d{3,})\.(linear|decoder)\.png$/.exec(name);
  return match === null ? null : { stepIndex: Number(match[1]), source: match[2] === 'decoder' ? 'decoder' : 'linear' };
}

/** As the limit sees them: checkpoints by step, ascending. */
export function storedFiles({ checkpoints, previews }: FolderContent): Pick<StoredFiles, 'checkpoints' | 'previews'> {
  return {
    checkpoints: [...checkpoints].sort(([a], [b]) => a - b).map(([stepIndex, bytes]) => ({ name: checkpointName(stepIndex), bytes })),
    previews: [...previews].map(([name, bytes]) => ({ name, bytes })),
  };
}

/** Reads a folder's list, and clears it of what no run left whole: half-written files and checkpoints that are cut off. */
export async function readFolder(folder: string): Promise<FolderContent> {
  const content: FolderContent = { checkpoints: new Map(), previews: new Map() };
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    if (name.endsWith(temporarySuffix)) {
      await rm(path, { force: true }).catch(() => undefined);
      continue;
    }
    const size = await stat(path).then((found) => found.size, () => 0);
    const step = /^(\d{3,})\.checkpoint$/.exec(name)?.[1];
    if (parsePreviewName(name) !== null) content.previews.set(name, size);
    if (step === undefined) continue;
    if (await isWhole(path, size)) content.checkpoints.set(Number(step), size);
    else await rm(path, { force: true }).catch(() => undefined);
  }
  return content;
}

async function isWhole(path: string, size: number): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(prefixBytes), 0, prefixBytes, 0);
      return isWholeLength(buffer.subarray(0, bytesRead), size);
    } finally {
      await file.close();
    }
  } catch {
    // It may be readable again later.
    return true;
  }
}

export async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
