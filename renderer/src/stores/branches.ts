import { createStore } from 'zustand/vanilla';
import type { CallOutput } from '../../../shared/contract.ts';
import { toFailure } from '../../../shared/errors.ts';
import type { SteeringEntry } from '../../../shared/generation.ts';
import { isEnded, type JobSnapshot, type Steering } from '../../../shared/job.ts';
import { callCore } from './core.ts';
import { jobsStore } from './jobs.ts';
import { notify, notifyFailure } from './notices.ts';
import { keepEstimate } from './runActions.ts';
import { showJob, viewStore } from './view.ts';

export type RunFrames = CallOutput<'jobs.frames'>;

/** Where the fork panel stands. */
export interface ForkTarget {
  readonly jobId: string;
  /** 0-based: the last step that stays as it is. */
  readonly stepIndex: number;
  /** An entry of the run's whole log that is done otherwise, by its place there; null: something new is done. */
  readonly entry: number | null;
}

export interface BranchesState {
  readonly target: ForkTarget | null;
  /** Runs whose pictures were discarded from the tree, until that is undone. */
  readonly discarded: readonly string[];
  /** The run that goes when its deletion is asked for once more. */
  readonly confirming: string | null;
  /** Null: open as soon as there is something to see. */
  readonly open: boolean | null;
}

export const branchesStore = createStore<BranchesState>(() => ({ target: null, discarded: [], confirming: null, open: null }));

/** Opens the panel in which a run goes on from one of its steps (0-based) on another way. */
export function openFork(jobId: string, stepIndex: number): void {
  branchesStore.setState({ target: { jobId, stepIndex, entry: null } });
  viewStore.setState({ dialog: 'fork' });
}

/** Opens the same panel over something that was done: what was done later stays. */
export function openEdit(jobId: string, entry: number, afterStep: number): void {
  branchesStore.setState({ target: { jobId, stepIndex: afterStep - 1, entry } });
  viewStore.setState({ dialog: 'fork' });
}

export function closeFork(): void {
  branchesStore.setState({ target: null });
  viewStore.setState({ dialog: null });
}

async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    notifyFailure(toFailure(error));
    return null;
  }
}

/**
 * A new run from the end of a step (0-based), changed by `steering` from the next step on; `{}`: the same again.
 * @param ahead what is done at later steps, in place of what the parent has there
 * @returns its id; null when it could not be had, which a notice then says
 */
export async function fork(jobId: string, stepIndex: number, steering: Steering, ahead?: readonly SteeringEntry[]): Promise<string | null> {
  const input = { jobId, stepIndex, steering, ...(ahead === undefined ? {} : { ahead: [...ahead] }) };
  return (await attempt(() => callCore('jobs.fork', input)))?.jobId ?? null;
}

/** A stopped or failed run goes on as itself. */
export async function continueRun(jobId: string): Promise<void> {
  await attempt(() => callCore('jobs.continue', { jobId }));
}

/** The steps of a run that can be gone back to, and the disk that all runs take; null where that cannot be told now. */
export async function frames(jobId: string): Promise<RunFrames | null> {
  return await callCore('jobs.frames', { jobId }).catch(() => null);
}

/** The runs that a run branched off from, from the nearest on; `sharedTo`: the last step (0-based) that both have. */
export function ancestors(jobId: string): readonly { readonly job: JobSnapshot; readonly sharedTo: number }[] {
  const { byId } = jobsStore.getState();
  const found: { job: JobSnapshot; sharedTo: number }[] = [];
  let sharedTo = Infinity;
  let parent = byId[jobId]?.parent ?? null;
  while (parent !== null && found.length < 200) {
    sharedTo = Math.min(sharedTo, parent.stepIndex);
    const job: JobSnapshot | undefined = byId[parent.jobId];
    if (job !== undefined) found.push({ job, sharedTo });
    parent = job?.parent ?? null;
  }
  return found;
}

/**
 * The runs in which each step of a run is kept: its own, or that of a run it branched off from later.
 * @returns by 0-based step
 */
export async function keptSteps(jobId: string): Promise<ReadonlyMap<number, string>> {
  const kept = new Map<number, string>();
  for (const { id, sharedTo } of [{ id: jobId, sharedTo: Infinity }, ...ancestors(jobId).map(({ job, sharedTo }) => ({ id: job.jobId, sharedTo }))]) {
    for (const { stepIndex } of (await frames(id))?.frames ?? []) {
      if (stepIndex <= sharedTo && !kept.has(stepIndex)) kept.set(stepIndex, id);
    }
  }
  return kept;
}

/** Ends a run in progress; the canvas need not be turned to it. */
export function stopBranch(jobId: string): void {
  void attempt(() => callCore('jobs.stop', { jobId }));
}

export function keepBranch(job: JobSnapshot): void {
  if (job.keepable) void keepEstimate(job.jobId);
}

/**
 * Takes a run out of the tree. One in progress is stopped first. What ended in pictures can be undone; what did not is asked
 * for twice.
 */
export async function discardBranch(job: JobSnapshot): Promise<void> {
  const { jobId } = job;
  if (!isEnded(job.state) && job.state !== 'queued') {
    stopBranch(jobId);
    return;
  }
  if (job.pictures.length > 0) {
    await discardPictures(job);
    return;
  }
  if (job.state !== 'queued' && branchesStore.getState().confirming !== jobId) {
    branchesStore.setState({ confirming: jobId });
    return;
  }
  branchesStore.setState({ confirming: null });
  await attempt(() => callCore('jobs.remove', { jobId }));
}

export function cancelDiscard(): void {
  if (branchesStore.getState().confirming !== null) branchesStore.setState({ confirming: null });
}

async function discardPictures(job: JobSnapshot): Promise<void> {
  const gone: string[] = [];
  for (const { id } of job.pictures) {
    if ((await attempt(() => callCore('library.remove', { id }))) !== null) gone.push(id);
  }
  if (gone.length === 0) return;
  branchesStore.setState(({ discarded }) => ({ discarded: [...discarded, job.jobId] }));
  notify('deleted', {}, () => void restore(job, gone));
}

async function restore(job: JobSnapshot, pictureIds: readonly string[]): Promise<void> {
  for (const id of pictureIds) await attempt(() => callCore('library.restore', { id }));
  branchesStore.setState(({ discarded }) => ({ discarded: discarded.filter((id) => id !== job.jobId) }));
  // The deletion of a picture leaves its run with the pictures that are left.
  jobsStore.setState(({ byId }) => (byId[job.jobId] === undefined ? {} : { byId: { ...byId, [job.jobId]: job } }));
  showJob(job.jobId);
}
