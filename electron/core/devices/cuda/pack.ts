import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StopbathError } from '../../../../shared/errors.ts';
import { packFiles } from '../../../system/cudaLibraries.ts';
import type { RuntimePackage } from '../../../system/runtimePackage.ts';
import { isMissing, saveFailure } from '../../files.ts';
import { fetchPackage } from './fetchPackage.ts';
import { cudaSource, findPackage, type Door } from './nuget.ts';
import { extractEntry, openZip, readZip } from './zip.ts';

export interface PackOptions {
  /** See `packRoot`. */
  readonly root: string;
  readonly runtime: RuntimePackage;
  readonly door: Door;
  /** Another feed that speaks NuGet's API. */
  readonly index?: string;
}

const manifestSchema = z.object({
  version: z.string(),
  source: z.string(),
  files: z.array(z.object({ name: z.string(), bytes: z.int(), sha256: z.string() })),
});
type Manifest = z.infer<typeof manifestSchema>;

const manifestName = 'pack.json';
/** Larger than any of ours by far (272 MB in 1.30): what a damaged directory may claim. */
const maxMemberBytes = 2_000_000_000;

export type PackState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'installed'; readonly bytes: number; readonly folder: string }
  /** `problem` completes "The pack is damaged: ...". */
  | { readonly kind: 'broken'; readonly problem: string; readonly folder: string };

export function packFolder({ root, runtime }: Pick<PackOptions, 'root' | 'runtime'>): string {
  return join(root, runtime.version);
}

/** @param deep also reads every byte and compares the hashes, which takes about a second */
export async function readPack(options: Pick<PackOptions, 'root' | 'runtime'>, deep = false): Promise<PackState> {
  const folder = packFolder(options);
  let manifest: Manifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, manifestName), 'utf8')));
  } catch (error) {
    return isMissing(error) && !(await exists(folder)) ? { kind: 'absent' } : { kind: 'broken', problem: `${manifestName} is missing or unreadable`, folder };
  }
  if (manifest.version !== options.runtime.version) return { kind: 'broken', problem: `it is of version ${manifest.version}`, folder };
  let bytes = 0;
  for (const name of packFiles) {
    const listed = manifest.files.find((file) => file.name === name);
    const size = await stat(join(folder, name)).then((found) => found.size, () => null);
    if (listed === undefined || size === null) return { kind: 'broken', problem: `${name} is missing`, folder };
    if (size !== listed.bytes) return { kind: 'broken', problem: `${name} has another size`, folder };
    if (deep && (await sha256(join(folder, name))) !== listed.sha256) return { kind: 'broken', problem: `${name} has another content`, folder };
    bytes += size;
  }
  return { kind: 'installed', bytes, folder };
}

/**
 * Fetches the package (what a broken-off attempt left is continued), unpacks the two libraries beside a copy of the app's own runtime,
 * and puts the folder in place by a rename: there is a whole pack or none.
 * @param from a package the person brought (`.nupkg`), for a machine without a connection: nothing is asked of the feed then, so only
 *   the archive's own checksums are compared
 * @param onProgress share done, 0..1
 */
export async function installPack(options: PackOptions, onProgress: (share: number) => void, signal?: AbortSignal, from?: string): Promise<void> {
  const { root, runtime, door, index } = options;
  await mkdir(root, { recursive: true }).catch((error: unknown) => {
    throw saveFailure(error, `The folder ${root}`);
  });
  await clean(root);
  const part = from ?? join(root, `${runtime.version}.nupkg.part`);
  let source = from ?? '';
  if (from === undefined) {
    const found = await findPackage(door, runtime.version, index, signal);
    source = found.url;
    await fetchPackage({ door, from: found, part, onBytes: (bytes) => onProgress((0.9 * bytes) / found.bytes), ...(signal === undefined ? {} : { signal }) });
  }
  const temporary = join(root, `${temporaryPrefix}${randomUUID()}`);
  try {
    await mkdir(temporary);
    const files = await unpack(part, temporary, runtime);
    await writeFile(join(temporary, manifestName), JSON.stringify({ version: runtime.version, source, files } satisfies Manifest));
    onProgress(0.99);
    await replace(temporary, packFolder(options));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error instanceof StopbathError ? error : saveFailure(error, 'The NVIDIA libraries');
  }
  if (from === undefined) await rm(part, { force: true });
  onProgress(1);
}

/** Also what broken-off installations left. A library in use lives on until its process ends. */
export async function removePack(options: Pick<PackOptions, 'root' | 'runtime'>): Promise<void> {
  try {
    await rm(packFolder(options), { recursive: true, force: true });
    await rm(join(options.root, `${options.runtime.version}.nupkg.part`), { force: true });
    await clean(options.root);
  } catch (error) {
    throw new StopbathError(
      { code: 'FILE_ACCESS', message: 'The NVIDIA libraries could not be removed.', nextStep: 'Close other windows of Stopbath, then try again.', detail: String(error) },
      { cause: error },
    );
  }
}

/** Packs of other versions of the runtime: an update of the app needs its own. */
export async function otherVersions({ root, runtime }: Pick<PackOptions, 'root' | 'runtime'>): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  return names.filter((name) => /^\d+\.\d+\.\d+/.test(name) && !name.endsWith('.part') && name !== runtime.version);
}

const temporaryPrefix = '.new-';

async function clean(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    if (name.startsWith(temporaryPrefix)) await rm(join(root, name), { recursive: true, force: true });
  }
}

async function unpack(archive: string, folder: string, runtime: RuntimePackage): Promise<Manifest['files']> {
  const [own, ...members] = packFiles;
  await copyFile(join(runtime.folder, own), join(folder, own));
  const files = [await listed(folder, own)];
  await openZip(archive, async (file) => {
    const entries = await readZip(file);
    for (const name of members) {
      const entry = entries.find((found) => found.name === cudaSource.members[name]);
      if (entry === undefined || entry.bytes > maxMemberBytes) {
        throw new StopbathError({ code: 'UNSAFE_FILE', message: `The package has no usable ${name}.`, nextStep: 'Install them again, or take another file.' });
      }
      files.push({ name, bytes: entry.bytes, sha256: await extractEntry(file, entry, join(folder, name)) });
    }
  });
  return files;
}

async function listed(folder: string, name: string): Promise<Manifest['files'][number]> {
  return { name, bytes: (await stat(join(folder, name))).size, sha256: await sha256(join(folder, name)) };
}

async function replace(temporary: string, folder: string): Promise<void> {
  const handle = await open(temporary, 'r');
  await handle.sync().catch(() => undefined);
  await handle.close();
  // A folder cannot be renamed over one that has files in it.
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
