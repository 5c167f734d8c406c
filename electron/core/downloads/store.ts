import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createSerial, isMissing } from '../files.ts';
import type { HubFile } from '../hub/repository.ts';
import { ownModelSchema, type OwnModel } from './record.ts';

/**
 * The folder of downloads:
 *
 *     blobs/<oid>          content that was verified; `.part`: what is there of it, `.etag`: of which state of the server's file
 *     models/<name>/       a model: hard links to blobs under the names it needs, and `stopbath.json`
 *     downloads.json       what is not finished
 *
 * A blob's links are its users: content that two models share is there once, and goes with the last of them. A folder in
 * `models/` appears by one rename, whole and verified.
 */
export interface Store {
  readonly modelsFolder: string;
  readonly stateFile: string;
  partOf(file: HubFile): string;
  has(file: HubFile): Promise<boolean>;
  /** Bytes that are here, by id; parts count with what they have. */
  sizes(): Promise<ReadonlyMap<string, number>>;
  /** A part whose content was verified becomes a blob. */
  keep(file: HubFile): Promise<void>;
  folderOf(model: Pick<OwnModel, 'repo' | 'revision' | 'variant'>): string;
  /** null where no finished model of ours is at that folder. */
  read(folder: string): Promise<OwnModel | null>;
  /** Whether the model is there with every file in its length: somebody may have deleted some. */
  isWhole(model: OwnModel): Promise<boolean>;
  /** Links a model together from blobs. @returns its folder */
  assemble(model: OwnModel): Promise<string>;
  /** @returns bytes that the disk got back */
  remove(folder: string, wanted: ReadonlySet<string>): Promise<number>;
  /** Deletes what nobody uses and no unfinished download (`wanted`: ids) needs. @returns bytes */
  sweep(wanted: ReadonlySet<string>): Promise<number>;
  free(): Promise<number>;
}

export const ownModelFile = 'stopbath.json';
const unfinished = '.unfinished-';
const removed = '.removed-';

/** @param hardLink a seam: how a disk that knows no links answers. */
export function openStore(folder: string, hardLink: typeof link = link): Store {
  const blobs = join(folder, 'blobs');
  const modelsFolder = join(folder, 'models');
  const inTurn = createSerial();
  const blobOf = (oid: string): string => join(blobs, oid);
  const partOf = ({ oid }: HubFile): string => `${blobOf(oid)}.part`;
  const folderOf: Store['folderOf'] = (model) => join(modelsFolder, folderName(model));

  const sweep = async (wanted: ReadonlySet<string>): Promise<number> => {
    let freed = 0;
    for (const name of await namesIn(blobs)) {
      if (wanted.has(name.replace(/\.part(?:\.etag)?$/, ''))) continue;
      const path = join(blobs, name);
      const { nlink, size } = await stat(path);
      if (nlink > 1) continue;
      await rm(path, { force: true });
      freed += size;
    }
    for (const name of await namesIn(modelsFolder)) {
      if (name.startsWith(unfinished) || name.startsWith(removed)) await rm(join(modelsFolder, name), { recursive: true, force: true });
    }
    return freed;
  };

  const isWhole = async (model: OwnModel): Promise<boolean> => {
    const folder = folderOf(model);
    if ((await readOwnModel(folder)) === null) return false;
    for (const { to, bytes } of model.files) if ((await sizeOf(join(folder, to))) !== bytes) return false;
    return true;
  };

  return {
    modelsFolder,
    stateFile: join(folder, 'downloads.json'),
    partOf,
    folderOf,
    has: async ({ oid, bytes }) => (await sizeOf(blobOf(oid))) === bytes,
    sizes: async () => {
      const sizes = new Map<string, number>();
      for (const name of await namesIn(blobs)) {
        if (!name.endsWith('.etag')) sizes.set(name.replace(/\.part$/, ''), (await sizeOf(join(blobs, name))) ?? 0);
      }
      return sizes;
    },
    keep: async (file) => {
      await rename(partOf(file), blobOf(file.oid));
      await rm(`${partOf(file)}.etag`, { force: true });
    },
    read: readOwnModel,
    isWhole,
    assemble: (model) =>
      inTurn(async () => {
        const target = folderOf(model);
        if (await isWhole(model)) return target;
        const building = join(modelsFolder, `${unfinished}${folderName(model)}`);
        await rm(building, { recursive: true, force: true });
        const moved = new Map<string, string>();
        for (const file of model.files) {
          const path = join(building, file.to);
          await mkdir(dirname(path), { recursive: true });
          await place(hardLink, blobOf(file.oid), path, moved);
        }
        await writeFile(join(building, ownModelFile), `${JSON.stringify(model, null, 2)}\n`, { flush: true });
        // Something that is not whole, e.g. the rest of a removal that Windows refused.
        await rm(target, { recursive: true, force: true });
        await rename(building, target);
        return target;
      }),
    remove: (at, wanted) =>
      inTurn(async () => {
        if (dirname(at) !== modelsFolder) throw new Error(`${at} is no model of this store`);
        let freed = 0;
        for (const entry of await readdir(at, { recursive: true, withFileTypes: true })) {
          if (!entry.isFile()) continue;
          const { nlink, size } = await stat(join(entry.parentPath, entry.name));
          if (nlink === 1) freed += size;
        }
        const gone = join(modelsFolder, `${removed}${process.pid}-${Date.now()}`);
        await rename(at, gone);
        await rm(gone, { recursive: true, force: true });
        return freed + (await sweep(wanted));
      }),
    sweep: (wanted) => inTurn(() => sweep(wanted)),
    free: async () => {
      await mkdir(blobs, { recursive: true });
      await mkdir(modelsFolder, { recursive: true });
      const { bavail, bsize } = await statfs(blobs);
      return bavail * bsize;
    },
  };
}

/** What lies in a model's folder of ours; null where it is none. */
export async function readOwnModel(folder: string): Promise<OwnModel | null> {
  try {
    return ownModelSchema.parse(JSON.parse(await readFile(join(folder, ownModelFile), 'utf8')));
  } catch {
    return null;
  }
}

/** Length of names that leaves room for the paths in it: Windows' 260 characters. */
const longestName = 80;

/** `owner--name@commit.variant`, one for one: what is cut or replaced is made up for by a hash. */
export function folderName({ repo, revision, variant }: Pick<OwnModel, 'repo' | 'revision' | 'variant'>): string {
  const whole = `${repo.replace('/', '--')}@${revision.slice(0, 12)}.${variant}`;
  const plain = whole.replace(/[^\w.@-]+/g, '-').replace(/[.-]+$/, '');
  if (plain === whole && plain.length <= longestName) return plain;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 8);
  return `${plain.slice(0, longestName - 9)}-${hash}`;
}

const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK', 'EISDIR', 'EINVAL', 'UNKNOWN'];

/**
 * A hard link; where the disk knows none (exFAT, some network folders) the blob itself moves there, and a second use of
 * it is a copy.
 */
async function place(hardLink: typeof link, blob: string, path: string, moved: Map<string, string>): Promise<void> {
  const first = moved.get(blob);
  if (first !== undefined) return await copyFile(first, path);
  try {
    await hardLink(blob, path);
  } catch (error) {
    if (!noLinks.includes(systemCode(error))) throw error;
    try {
      await rename(blob, path);
      moved.set(blob, path);
    } catch (second) {
      // The folder of models is on another disk than the one of blobs.
      if (systemCode(second) !== 'EXDEV') throw second;
      await copyFile(blob, path);
    }
  }
}

const systemCode = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
