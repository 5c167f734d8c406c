import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import type { Failure } from '../../../shared/errors.ts';
import { decodeCheckpoint } from './checkpointFile.ts';
import { setAsideNotice } from './leftRun.ts';
import { asideSuffix, readIfThere } from './runFolder.ts';

/** What a step's file turned out to be. */
export type StoredStep =
  | { readonly kind: 'good'; readonly checkpoint: Checkpoint }
  /** Not readable just now: perhaps later. */
  | { readonly kind: 'busy' }
  /** Not there, or of no use to anybody; it has been cleared away. */
  | { readonly kind: 'gone' }
  /** Of another version: it has been kept under another name. */
  | { readonly kind: 'aside'; readonly notice: Failure };

/** @param stepIndex 0-based: what its name says */
export async function readCheckpointFile(path: string, stepIndex: number): Promise<StoredStep> {
  const bytes = await readIfThere(path).catch(() => undefined);
  if (bytes === undefined) return { kind: 'busy' };
  const read = bytes === null ? ({ kind: 'torn' } as const) : decodeCheckpoint(bytes);
  if (read.kind === 'good' && read.checkpoint.stepsDone === stepIndex + 1) return read;
  if (read.kind === 'foreign') return { kind: 'aside', notice: await setAside(path, read.problem) };
  await rm(path, { force: true }).catch(() => undefined);
  return { kind: 'gone' };
}

/** Before there was a folder for every run, each had one file among them. @returns what a person should know of it */
export async function clearLegacy(folder: string, name: string): Promise<Failure | null> {
  if (name.endsWith(asideSuffix)) return null;
  const path = join(folder, name);
  if (name.endsWith('.checkpoint')) return await setAside(path, 'A file of the time before runs had folders.');
  await rm(path, { force: true }).catch(() => undefined);
  return null;
}

async function setAside(path: string, problem: string): Promise<Failure> {
  const aside = `${path}${asideSuffix}`;
  await rename(path, aside).catch(() => undefined);
  return setAsideNotice(aside, problem);
}
