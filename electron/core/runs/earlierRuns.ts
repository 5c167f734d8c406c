import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import type { Failure } from '../../../shared/errors.ts';
import { caughtUp, previewsOnDisk, rebuiltRecord } from './leftRun.ts';
import { readRunFile, runFileName, type RunRecord } from './runFile.ts';
import { idPattern, readFolder, type FolderContent } from './runFolder.ts';
import { clearLegacy } from './storedStep.ts';

export interface EarlierRunsOptions {
  readonly folder: string;
  readonly onNotice: (failure: Failure) => void;
  /** The store takes a run up with the files of its folder. */
  readonly adopt: (jobId: string, content: FolderContent, run: { readonly isFinished: boolean }) => void;
  /** The newest that can be read of a run that was adopted. */
  readonly checkpoint: (jobId: string) => Promise<Checkpoint | null>;
  readonly drop: (jobId: string) => Promise<void>;
}

/** Runs beyond this number are cleared away at the start, the oldest first. */
const maxListed = 50;

/** Reads the runs that earlier sessions left, and clears away those that are no use any more. @returns the newest, oldest first */
export async function readEarlierRuns(options: EarlierRunsOptions): Promise<RunRecord[]> {
  const { folder, onNotice, drop } = options;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const notice = entry.isDirectory() ? null : await clearLegacy(folder, entry.name);
    if (notice !== null) onNotice(notice);
  }
  const found: RunRecord[] = [];
  for (const { name } of entries.filter((entry) => entry.isDirectory() && idPattern.test(entry.name))) {
    const record = await readRun(name, options).catch(() => null);
    if (record === null) await drop(name);
    else found.push(record);
  }
  found.sort((a, b) => a.at - b.at);
  for (const { job } of found.splice(0, Math.max(0, found.length - maxListed))) await drop(job.jobId);
  return found;
}

/** A run as its folder tells it; null when nothing of it is of use. */
async function readRun(jobId: string, { folder, adopt, checkpoint: newestOf }: EarlierRunsOptions): Promise<RunRecord | null> {
  const path = join(folder, jobId);
  const content = await readFolder(path);
  const read = await readRunFile(join(path, runFileName));
  const stored = read?.job.jobId === jobId ? read : null;
  const isFinished = stored?.job.state === 'finished';
  adopt(jobId, content, { isFinished });
  // Steps that came after run.json was written last, or all there is to know.
  const checkpoint = isFinished ? null : await newestOf(jobId);
  const record = stored ?? (checkpoint === null ? null : await rebuiltRecord(path, jobId, checkpoint));
  if (record === null) return null;
  const { job } = record;
  const newer = checkpoint !== null && checkpoint.stepsDone > job.steps.length;
  const previews = previewsOnDisk(jobId, job.previews, content.previews);
  return { ...record, job: { ...(newer ? caughtUp(job, checkpoint) : job), previews } };
}
