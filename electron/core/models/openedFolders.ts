import { lstat, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { StoredModel } from './modelsFile.ts';

/** The engine's note in such a folder (electron/engine/graph/checkpointRecord.ts). */
const recordName = 'checkpoint.json';
const recordSchema = z.object({ source: z.string() });

/** Where such folders lie when they lie beside the checkpoint (electron/engine/graph/weightLinks.ts). */
const besideName = '.stopbath';
/** The vocabulary that the folders of one place share. */
const vocabularyName = '.clip';
/** What file managers leave in a folder they have shown. */
const droppings: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

/**
 * Deletes what was written over a checkpoint, in the app's store or beside the file: its folder, those of its other forms (for another
 * device, with LoRAs), and of the place beside the file also the rest when no other model has anything there. The checkpoint itself is
 * only linked there. Only folders that say that they were made from a checkpoint are deleted.
 * @returns bytes that the disk got back
 */
export async function removeOpened({ origin, path, folder }: Pick<StoredModel, 'origin' | 'path' | 'folder'>): Promise<number> {
  if (origin === 'onnx' || folder === path) return 0;
  if ((await stat(join(folder, recordName)).catch(() => null)) === null) return 0;
  const root = dirname(folder);
  const own = [folder, ...(await otherForms(root, folder))];
  const unfinished = (await namesIn(root)).filter((name) => own.some((one) => isUnfinished(name, basename(one)))).map((name) => join(root, name));
  const freed = await removeFolders([...own, ...unfinished]);
  return freed + (await removePlace(root));
}

/** Folders that were made from the same checkpoint. */
async function otherForms(root: string, folder: string): Promise<string[]> {
  const source = await sourceOf(folder);
  const others: string[] = [];
  for (const name of await namesIn(root)) {
    const path = join(root, name);
    if (source === null || path === folder || name.startsWith('.')) continue;
    if ((await sourceOf(path)) === source) others.push(path);
  }
  return others;
}

async function sourceOf(folder: string): Promise<string | null> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(folder, recordName), 'utf8'))).source;
  } catch {
    return null;
  }
}

/** Whether a folder over a checkpoint lies beside it, and not in the app's store. */
export function isBeside(folder: string): boolean {
  return basename(dirname(folder)) === besideName;
}

/** `.<folder>.<process>-<random>.part`: a crash left it while it was written. */
function isUnfinished(name: string, folder: string): boolean {
  return name.startsWith(`.${folder}.`) && /^\d+-[0-9a-f]+\.part(\.old)?$/.test(name.slice(folder.length + 2));
}

/** The folder beside the file, when nothing of use is left in it. */
async function removePlace(root: string): Promise<number> {
  if (basename(root) !== besideName) return 0;
  // A person may have put a link there to a place of their own.
  if ((await lstat(root).catch(() => null))?.isDirectory() !== true) return 0;
  const left = await namesIn(root);
  if (left.some((name) => name !== vocabularyName && !droppings.has(name))) return 0;
  const freed = await removeFolders(left.map((name) => join(root, name)));
  // Not with what is in it: another model may just be coming.
  await rmdir(root).catch(() => undefined);
  return freed;
}

/** @returns bytes of the files that had no other name outside */
async function removeFolders(paths: readonly string[]): Promise<number> {
  const files = new Map<string, { readonly size: number; namesOutside: number }>();
  for (const path of paths) {
    const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const found = await stat(join(entry.parentPath, entry.name), { bigint: true }).catch(() => null);
      if (found === null) continue;
      const key = `${found.dev} ${found.ino}`;
      const file = files.get(key) ?? { size: Number(found.size), namesOutside: Number(found.nlink) };
      files.set(key, file);
      file.namesOutside--;
    }
    await rm(path, { recursive: true, force: true });
  }
  return [...files.values()].reduce((sum, { size, namesOutside }) => (namesOutside > 0 ? sum : sum + size), 0);
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
