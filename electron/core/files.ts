import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StopbathError, type ErrorCode } from '../../shared/errors.ts';

/** Writes a whole file. A seam of its own so that a test can fill the disk. */
export type FileWriter = (path: string, bytes: Uint8Array | string) => Promise<void>;

let temporaryNumber = 0;

/** A reader sees the old file or the new one, never a part: written beside it, flushed, then renamed. */
export const writeFileAtomic: FileWriter = async (path, bytes) => {
  const temporary = `${path}.${process.pid}-${temporaryNumber++}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
};

const temporaryName = /\.\d+-\d+\.tmp$/;

/** Removes what {@link writeFileAtomic} left in a folder when the app was killed in the middle of it. Only where no other app is at work. */
export async function sweepTemporary(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  const left = names.filter((name) => temporaryName.test(name));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
}

export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT';
}

/** A failed write as the sentence a person can act on. `what` completes "... could not be saved". */
export function saveFailure(error: unknown, what: string): StopbathError {
  const full = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
  const code: ErrorCode = full ? 'DISK_FULL' : 'FILE_ACCESS';
  return new StopbathError(
    {
      code,
      message: full ? `The disk is full: ${what} could not be saved.` : `${what} could not be saved.`,
      nextStep: full ? 'Free some space, then save it again.' : 'Check that the folder can be written to, then save it again.',
      detail: error instanceof Error ? error.message : String(error),
    },
    { cause: error },
  );
}

/** Runs what it is given one after the other; one that fails does not hold up the next. */
export function createSerial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
