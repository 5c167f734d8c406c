import type { SteeringEntry } from '../../../shared/generation.ts';
import { toFailure } from '../../../shared/errors.ts';
import type { JobSnapshot, Steering } from '../../../shared/job.ts';
import { wholeLog } from '../../../shared/steeringLog.ts';
import { continueRun, fork, stopBranch, type ForkTarget } from './branches.ts';
import { callCore } from './core.ts';
import { changesOfEntry, editedLog, forkBase, keptOfEntry, withChange, type ForkBase, type ForkChanges } from './forkDraft.ts';
import { activeJob, jobsStore } from './jobs.ts';
import { notifyFailure } from './notices.ts';
import { showJob } from './view.ts';

/** What the fork panel is about, worked out of a run and where in it the panel stands. */
export interface ForkPlan {
  readonly job: JobSnapshot;
  /** 0-based: the last step that stays; -1: none does. */
  readonly stepIndex: number;
  readonly log: readonly SteeringEntry[];
  /** The entry that is done otherwise, and its place in the log. */
  readonly edited: { readonly at: number; readonly entry: SteeringEntry } | null;
  /** What the changes are measured against: for an entry, the run as it was without it. */
  readonly base: ForkBase;
}

export function forkPlan(job: JobSnapshot, target: ForkTarget): ForkPlan {
  const log = wholeLog(job);
  const entry = target.entry === null ? undefined : log[target.entry];
  if (target.entry !== null && entry !== undefined) {
    const base = forkBase(job, entry.afterStep, log.slice(0, target.entry));
    return { job, stepIndex: entry.afterStep - 1, log, edited: { at: target.entry, entry }, base };
  }
  const before = log.filter(({ afterStep }) => afterStep <= target.stepIndex);
  return { job, stepIndex: target.stepIndex, log, edited: null, base: forkBase(job, target.stepIndex, before) };
}

/** What the panel shows as changed when it opens. */
export function firstChanges({ base, edited }: ForkPlan): ForkChanges {
  return edited === null ? {} : withChange(base, {}, changesOfEntry(base, edited.entry));
}

/** Whether going on from here, unchanged, is the run itself going on. */
export function continuesItself({ job, stepIndex, edited }: ForkPlan): boolean {
  return edited === null && (job.state === 'stopped' || job.state === 'failed') && stepIndex === job.steps.length - 1;
}

/** How a start is asked of the core. */
export type ForkRequest =
  | { readonly kind: 'continue'; readonly jobId: string }
  | { readonly kind: 'fork'; readonly jobId: string; readonly stepIndex: number; readonly steering: Steering; readonly ahead?: readonly SteeringEntry[] }
  /** Where no step is left to go back to: all of it again. */
  | { readonly kind: 'replay'; readonly request: JobSnapshot['request'] };

/**
 * @param steering what was changed; `{}`: nothing
 * @param source the run in which the step is kept: this one, or one that it branched off from; null: it is kept nowhere
 */
export function forkRequest(plan: ForkPlan, steering: Steering, source: string | null): ForkRequest {
  const { job, stepIndex, log, edited } = plan;
  if (edited !== null) {
    const next = editedLog(log, edited.at, editedSteering(edited.entry, withoutPace(steering)));
    if (stepIndex < 0 || source === null) return { kind: 'replay', request: { ...job.request, steering: [...next] } };
    return { kind: 'fork', jobId: source, stepIndex, steering: {}, ahead: next.filter(({ afterStep }) => afterStep > stepIndex) };
  }
  const isUnchanged = Object.keys(steering).length === 0;
  if (isUnchanged && continuesItself(plan)) return { kind: 'continue', jobId: job.jobId };
  const from = source ?? job.jobId;
  // The run it is kept in went on another way.
  const ahead = isUnchanged && from !== job.jobId ? log.filter(({ afterStep }) => afterStep > stepIndex) : null;
  return { kind: 'fork', jobId: from, stepIndex, steering, ...(ahead === null ? {} : { ahead }) };
}

function editedSteering(entry: SteeringEntry, steering: SteeringEntry['steering']): SteeringEntry['steering'] {
  return { ...keptOfEntry(entry), ...steering };
}

function withoutPace({ paceMs: _, ...steering }: Steering): SteeringEntry['steering'] {
  return steering;
}

/**
 * Asks for all of them and turns the canvas to the first. A paused run would keep the engine from them for as long as it
 * waits: it is stopped, and can go on later.
 * @returns whether there is one
 */
export async function startForks(requests: readonly ForkRequest[]): Promise<boolean> {
  const started: string[] = [];
  // Each goes to the head of the queue, so the last to be asked for comes first.
  for (const request of [...requests].reverse()) {
    const jobId = await start(request);
    if (jobId !== null) started.push(jobId);
  }
  const first = started.at(-1);
  if (first === undefined) return false;
  const active = activeJob(jobsStore.getState());
  if (active?.state === 'paused') stopBranch(active.jobId);
  showJob(first);
  return true;
}

async function start(request: ForkRequest): Promise<string | null> {
  switch (request.kind) {
    case 'continue':
      await continueRun(request.jobId);
      return request.jobId;
    case 'fork':
      return await fork(request.jobId, request.stepIndex, request.steering, request.ahead);
    case 'replay':
      try {
        return (await callCore('jobs.submit', { request: request.request, count: 1 })).jobIds[0] ?? null;
      } catch (error) {
        notifyFailure(toFailure(error));
        return null;
      }
  }
}
