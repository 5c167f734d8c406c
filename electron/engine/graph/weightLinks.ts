import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import type { Placement } from '../../../shared/models.ts';
import { inWords } from './copiedWeights.ts';
import type { SafetensorsFile } from './readers/safetensors.ts';

export type { Placement };

/** A hard link cannot be made from here to there. */
export class NoLinkError extends Error {}

/** Names of weights beside a graph: never those of the files, which are whatever somebody called them. */
export class LinkNames {
  readonly #names = new Map<string, string>();

  of({ path }: Pick<SafetensorsFile, 'path'>): string {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const name = this.#names.size === 0 ? 'weights.safetensors' : `weights-${this.#names.size + 1}.safetensors`;
    this.#names.set(path, name);
    return name;
  }

  /** Path of every file that was named, and its name. */
  entries(): Iterable<[string, string]> {
    return this.#names;
  }
}

const unlinkable = ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS', 'EACCES'];

/**
 * Puts a file beside the graphs of a part.
 * @throws NoLinkError where the file system does not let; StopbathError `DISK_FULL`, `FILE_ACCESS`.
 */
export async function placeWeights(from: string, to: string, placement: Placement): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true });
    if (placement === 'link') await link(from, to);
    else await copyWhole(from, to);
  } catch (error) {
    if (placement === 'link' && unlinkable.includes(errorCode(error))) throw new NoLinkError(errorCode(error), { cause: error });
    throw writeFailure(to, error);
  }
}

/** On the disk before its folder gets its name: of a copy, only the size is looked at later. */
async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  // A read-only file's copy is one, too.
  await chmod(to, 0o644);
  const copy = await open(to, 'r+');
  try {
    await copy.sync();
  } finally {
    await copy.close();
  }
}

/** The `code` of what a file system call throws; empty for other errors. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What to say of a file that could not be written. */
export function writeFailure(file: string, error: unknown): StopbathError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(errorCode(error));
  return new StopbathError(
    {
      code: isFull ? 'DISK_FULL' : 'FILE_ACCESS',
      message: isFull ? `The disk is full: ${file} was not written.` : `${file} could not be written.`,
      nextStep: isFull ? 'Free some space and open the model again.' : 'Check the permissions of the folder, and open the model again.',
      detail: String(error),
    },
    { cause: error },
  );
}

/** Hidden folder beside a checkpoint for graphs that cannot lie in the app's store. */
export function besideFolder(source: string): string {
  return join(source, '.stopbath');
}

/** What to say where neither the store nor the checkpoint's own folder takes a hard link. */
export async function noPlaceError(name: string, store: string, files: readonly SafetensorsFile[]): Promise<StopbathError> {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const isThere = (await stat(store).catch(() => null)) !== null;
  return new StopbathError({
    code: 'NO_PLACE',
    message: `${name} lies on another disk than the app's own folder, and its folder cannot be written to: its graphs have no place beside it.`,
    nextStep: `Move the model to the disk of ${isThere ? store : 'the app'}, make its folder writable, or let it be copied (${inWords(bytes)}).`,
  });
}
