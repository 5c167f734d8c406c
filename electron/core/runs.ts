import { readdir, readFile, rename, rm, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Checkpoint } from '../../shared/engineProtocol.ts';
import type { Failure } from '../../shared/errors.ts';
import { checkpointSchema } from './engineMessages.ts';
import { isMissing } from './files.ts';

/** The last checkpoint of every run that may still be gone back to: in memory, and on disk for after a crash. */
export interface Runs {
  setCheckpoint(jobId: string, checkpoint: Checkpoint): void;
  /** From memory, else from disk; null when there is none, or it cannot be read. */
  checkpoint(jobId: string): Promise<Checkpoint | null>;
  /** The run has ended: what is safe on disk need not stay in memory. */
  settle(jobId: string): Promise<void>;
  drop(jobId: string): Promise<void>;
  /** Drops what is on disk for any other run, but for what was set aside. */
  dropOthers(jobIds: ReadonlySet<string>): Promise<void>;
}

interface Held {
  checkpoint: Checkpoint;
  /** Null once the disk has this very checkpoint. */
  unsaved: Checkpoint | null;
  writing: Promise<void> | null;
}

const extension = '.checkpoint';
/** What could not be read is kept under this name: a newer or an older Stopbath may understand it. */
const asideExtension = '.unreadable';

/** @param onNotice told once for every checkpoint that had to be set aside. */
export function createRuns(folder: string, onNotice: (failure: Failure) => void): Runs {
  const held = new Map<string, Held>();
  const file = (jobId: string): string => join(folder, `${jobId}${extension}`);

  /** Never more than one write of a run at a time; steps that pass meanwhile are skipped for the newest. */
  const save = async (jobId: string, run: Held): Promise<void> => {
    while (run.unsaved !== null && held.get(jobId) === run) {
      const next = run.unsaved;
      const written = await writeQuickly(file(jobId), serialize(next));
      if (!written) break;
      if (run.unsaved === next) run.unsaved = null;
    }
    run.writing = null;
  };

  return {
    setCheckpoint: (jobId, checkpoint) => {
      const run: Held = held.get(jobId) ?? { checkpoint, unsaved: null, writing: null };
      run.checkpoint = checkpoint;
      run.unsaved = checkpoint;
      held.set(jobId, run);
      run.writing ??= save(jobId, run);
    },
    checkpoint: async (jobId) => held.get(jobId)?.checkpoint ?? (await readCheckpoint(file(jobId), onNotice)),
    settle: async (jobId) => {
      const run = held.get(jobId);
      await run?.writing;
      if (run?.unsaved === null) held.delete(jobId);
    },
    drop: async (jobId) => {
      const run = held.get(jobId);
      held.delete(jobId);
      await run?.writing;
      await rm(file(jobId), { force: true }).catch(() => undefined);
    },
    dropOthers: async (jobIds) => {
      const names = await readdir(folder).catch((): string[] => []);
      const stale = names.filter((name) => !name.endsWith(asideExtension) && !jobIds.has(name.replace(new RegExp(`\\${extension}(\\.tmp)?$`), '')));
      await Promise.all(stale.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
    },
  };
}

/**
 * Whole or not at all, but not flushed: this happens at every step, and it guards against a crash of ours, not of the
 * machine. A full disk must not harm the run either: the checkpoint in memory stays.
 */
async function writeQuickly(path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = `${path}.tmp`;
  try {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, path);
    return true;
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
    return false;
  }
}

async function readCheckpoint(path: string, onNotice: (failure: Failure) => void): Promise<Checkpoint | null> {
  try {
    return checkpointSchema.parse(deserialize(await readFile(path)));
  } catch (error) {
    if (!isMissing(error)) onNotice(await setAside(path, error));
    return null;
  }
}

async function setAside(path: string, cause: unknown): Promise<Failure> {
  const aside = `${path}${asideExtension}`;
  await rename(path, aside).catch(() => undefined);
  return {
    code: 'FILE_ACCESS',
    message: `What an unfinished run had reached could not be read, or is of another version of Stopbath; it has been set aside as ${aside}.`,
    nextStep: 'Run it again from the beginning.',
    detail: cause instanceof Error ? cause.message : String(cause),
  };
}
