import { createStore } from 'zustand/vanilla';
import {
  applyJobEvent,
  emptySnapshot,
  isEnded,
  type JobEvent,
  type JobSnapshot,
} from '../../../shared/job.ts';

/** What the interface knows of a job beside its snapshot. */
export interface JobExtras {
  /** The part being loaded, as the engine names it. */
  readonly loadingPart: string | null;
  /** A second Stop was given: the engine process is being replaced. */
  readonly hardStop: boolean;
}

export interface JobsState {
  /** By id; a job's object changes only when that job changes. */
  readonly byId: Readonly<Record<string, JobSnapshot>>;
  readonly extras: Readonly<Record<string, JobExtras>>;
  /** In the order of submission. */
  readonly order: readonly string[];
}

export const jobsStore = createStore<JobsState>(() => ({ byId: {}, extras: {}, order: [] }));

const noExtras: JobExtras = { loadingPart: null, hardStop: false };

/** The whole list, as the core tells it after a (re)connect. */
export function replaceJobs(jobs: readonly JobSnapshot[]): void {
  jobsStore.setState({
    byId: Object.fromEntries(jobs.map((job) => [job.jobId, job])),
    extras: {},
    order: jobs.map((job) => job.jobId),
  });
}

export function applyToJobs(state: JobsState, event: JobEvent, paceMs: number): JobsState {
  const { jobId } = event;
  if (event.kind === 'removed') return without(state, jobId);
  const known = state.byId[jobId];
  if (event.kind === 'queued') {
    if (known !== undefined) return state;
    const job = emptySnapshot(jobId, event.request, paceMs);
    return { ...state, byId: { ...state.byId, [jobId]: job }, order: [...state.order, jobId] };
  }
  if (known === undefined || isRepeated(known, event)) return state;
  const byId = { ...state.byId, [jobId]: applyJobEvent(known, event) };
  const extras = extrasAfter(state.extras[jobId] ?? noExtras, event);
  return extras === null ? { ...state, byId } : { ...state, byId, extras: { ...state.extras, [jobId]: extras } };
}

/** An event that a snapshot read a moment later already holds. */
function isRepeated(job: JobSnapshot, event: JobEvent): boolean {
  if (event.kind === 'step') return job.steps.some((step) => step.stepIndex === event.step.stepIndex);
  if (event.kind === 'preview') {
    return job.previews.some((preview) => preview.stepIndex === event.preview.stepIndex && preview.url === event.preview.url);
  }
  return false;
}

function extrasAfter(extras: JobExtras, event: JobEvent): JobExtras | null {
  if (event.kind === 'loading') return { ...extras, loadingPart: event.part };
  if (event.kind === 'stopping') return { ...extras, hardStop: event.hard };
  return null;
}

function without(state: JobsState, jobId: string): JobsState {
  return {
    byId: withoutKey(state.byId, jobId),
    extras: withoutKey(state.extras, jobId),
    order: state.order.filter((id) => id !== jobId),
  };
}

function withoutKey<V>(record: Readonly<Record<string, V>>, key: string): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

/** The job that the engine works on, or null. */
export function activeJob(state: JobsState): JobSnapshot | null {
  for (const id of state.order) {
    const job = state.byId[id];
    if (job !== undefined && job.state !== 'queued' && !isEnded(job.state)) return job;
  }
  return null;
}

/** Jobs that wait or run: while there is one, Generate adds to the queue. */
export function isBusy(state: JobsState): boolean {
  return state.order.some((id) => {
    const job = state.byId[id];
    return job !== undefined && !isEnded(job.state);
  });
}

/** Ids of the jobs the queue lists: all but those that ended in a picture, which the history shows. */
export function listedJobs(state: JobsState): readonly string[] {
  return state.order.filter((id) => {
    const job = state.byId[id];
    return job !== undefined && job.state !== 'finished' && job.picture === null;
  });
}
