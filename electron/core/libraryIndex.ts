import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { pictureSchema, type Picture } from '../../shared/job.ts';
import type { FileWriter } from './files.ts';
import { isPictureFile, placeOf, readPictureFile } from './pictureFile.ts';

/**
 * The files' own metadata is the truth; this cache only saves opening thousands of them at every start. A file is read
 * again when its size or time differ, and the cache may be deleted at any time.
 */
const cacheSchema = z.object({
  version: z.literal(1),
  /** `picture` is null for a PNG that is not ours: it need not be opened again either. */
  files: z.record(z.string(), z.object({ size: z.number(), mtimeMs: z.number(), picture: pictureSchema.nullable() })),
});
type Cache = z.output<typeof cacheSchema>;

/** How many files are looked at in parallel; libuv has four threads for it. */
const parallel = 16;

/** Every picture in the folder, newest first. */
export async function indexPictures(folder: string, cacheFile: string, write: FileWriter): Promise<Picture[]> {
  const names = (await readdir(folder)).filter(isPictureFile);
  const cached = await readCache(cacheFile);
  const files: Cache['files'] = {};
  let changed = Object.keys(cached).length !== names.length;
  await forEachParallel(names, async (name) => {
    const path = join(folder, name);
    const { size, mtimeMs } = await stat(path);
    const known = Object.hasOwn(cached, name) ? cached[name] : undefined;
    if (known !== undefined && known.size === size && known.mtimeMs === mtimeMs) {
      files[name] = known;
      return;
    }
    changed = true;
    const stored = await readPictureFile(path);
    files[name] = { size, mtimeMs, picture: stored === null ? null : { ...placeOf(name), ...stored } };
  });
  if (changed) {
    // Losing the cache loses nothing: a full disk must not keep the library shut.
    await write(cacheFile, JSON.stringify({ version: 1, files } satisfies Cache)).catch(() => undefined);
  }
  return Object.values(files)
    .flatMap(({ picture }) => (picture === null ? [] : [picture]))
    .sort(newestFirst);
}

/** ISO times in UTC sort as text; the id settles pictures of the same millisecond. */
export function newestFirst(a: Picture, b: Picture): number {
  const [left, right] = [cursorOf(a), cursorOf(b)];
  return left < right ? 1 : left > right ? -1 : 0;
}

/** Where a picture stands in the order, also after it is gone. */
export function cursorOf(picture: Picture): string {
  return `${picture.createdAt} ${picture.id}`;
}

async function readCache(file: string): Promise<Cache['files']> {
  try {
    return cacheSchema.parse(JSON.parse(await readFile(file, 'utf8'))).files;
  } catch {
    return {};
  }
}

/** A file that vanishes or cannot be read while we look is left out. */
async function forEachParallel(names: readonly string[], look: (name: string) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) await look(name).catch(() => undefined);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
