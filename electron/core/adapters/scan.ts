import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AdapterFile } from '../../../shared/models.ts';

/** A file that may be a LoRA or an embedding. */
export interface FoundAdapter {
  /** File name without its ending, as A1111 calls it. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Changes with the file. */
  readonly stamp: string;
  /** What the names of its folders say. */
  readonly hint: AdapterFile['kind'] | null;
  readonly isPickle: boolean;
}

const deepest = 8;
const mostFiles = 20_000;
/** LoRAs, and embeddings of A1111's own format. */
const endings = /\.(safetensors|pt|ckpt|bin)$/i;

/** Looks through folders and those in them, in the order given; what is not there or cannot be read is passed over. */
export async function scanAdapters(folders: readonly string[]): Promise<FoundAdapter[]> {
  const found = new Map<string, FoundAdapter>();
  const seen = new Set<string>();

  const walk = async (folder: string, depth: number): Promise<void> => {
    const key = await folderKey(folder);
    // Links may lead in a circle, and one folder may be named twice.
    if (key === null || seen.has(key)) return;
    seen.add(key);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (found.size >= mostFiles) return;
      if (name.startsWith('.')) continue;
      const path = join(folder, name);
      const file = await stat(path).catch(() => null);
      if (file?.isDirectory() === true && depth < deepest) await walk(path, depth + 1);
      if (file?.isFile() !== true || !endings.test(name)) continue;
      found.set(path, {
        name: name.replace(endings, ''),
        path,
        bytes: file.size,
        stamp: `${file.size}|${file.mtimeMs}`,
        hint: hintOf(folder),
        isPickle: !/\.safetensors$/i.test(name),
      });
    }
  };
  for (const folder of folders) await walk(folder, 0);
  return [...found.values()];
}

async function folderKey(folder: string): Promise<string | null> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true) return null;
  // Windows may not number its files.
  return found.ino === 0 ? folder : `${found.dev}:${found.ino}`;
}

/** A1111, Forge and ComfyUI name the folders alike. */
function hintOf(folder: string): FoundAdapter['hint'] {
  for (const name of folder.split(/[\\/]/).map((part) => part.toLowerCase()).reverse()) {
    if (/^(loras?|lycoris|locon)$/.test(name)) return 'lora';
    if (/^(embeddings?|textual[ _-]?inversions?)$/.test(name)) return 'embedding';
  }
  return null;
}

/** How a person would look for it in a message. */
export function shownName({ path }: FoundAdapter): string {
  return basename(path);
}
