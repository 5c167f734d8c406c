import { readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isModelFile } from './fileNames.ts';

export interface FileBytes {
  /** From the folder, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

/** Deeper, and with more files, no model is. */
const deepest = 4;
const mostFiles = 2000;

/** The files of a model's folder: weights, graphs, configs; what cannot be read is left out. */
export async function modelFiles(folder: string): Promise<FileBytes[]> {
  const found: FileBytes[] = [];
  const walk = async (at: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, at), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (found.length >= mostFiles) return;
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (depth < deepest) await walk(path, depth + 1);
      } else if (isModelFile(entry.name)) {
        // Through links: the hub's own cache is made of them.
        const file = await stat(join(folder, path)).catch(() => null);
        if (file?.isFile() === true) found.push({ path: path.split(sep).join('/'), bytes: file.size });
      }
    }
  };
  await walk('', 1);
  return found;
}

export function sumBytes(files: readonly FileBytes[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

export async function folderBytes(folder: string): Promise<number> {
  return sumBytes(await modelFiles(folder));
}
