import { createStore } from 'zustand/vanilla';
import {
  applyJobEvent,
  emptySnapshot,
  isEnded,
  type JobEvent,
  type JobSnapshot,
  type Steering,
} from '../../../shared/job.ts';

/** What the interface knows of a job beside its snapshot. */
export interface JobExtras {
  /** The part being loaded, as the engine names it. */
  readonly loadingPart: string | null;
  /** A second Stop was given, or the first was not answered: the engine process is being replaced, or was. */
  readonly hardStop: boolean;
  /** What was steered from here and the engine has not confirmed yet; an older confirmation must not take it back. */
  readonly wanted: Steering;
  /** Its clean estimate is being decoded and saved, or waits for the engine. */
  readonly keeping: boolean;
}

export interface JobsState {
  /** By id; a job's object changes only when that job changes. */
  readonly byId: Readonly<Record<string, JobSnapshot>>;
  readonly extras: Readonly<Record<string, JobExtras>>;
  /** In the order of submission. */
  readonly order: readonly string[];
}

export const jobsStore = createStore<JobsState>(() => ({ byId: {}, extras: {}, order: [] }));

const noExtras: JobExtras = { loadingPart: null, hardStop: false, wanted: {}, keeping: false };

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
  const before = state.extras[jobId] ?? noExtras;
  const byId = { ...state.byId, [jobId]: applyJobEvent(known, unlessOutdated(event, before.wanted)) };
  const extras = extrasAfter(before, event);
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

const steerings = ['guidanceScale', 'guidanceEnd', 'paceMs'] as const;

function isSame(key: keyof Steering, a: Steering, b: Steering): boolean {
  return JSON.stringify(a[key]) === JSON.stringify(b[key]);
}

/** Without what has been steered anew since: the engine confirms every change, one after the other. */
function unlessOutdated(event: JobEvent, wanted: Steering): JobEvent {
  if (event.kind !== 'steered') return event;
  const outdated = steerings.filter((key) => wanted[key] !== undefined && !isSame(key, wanted, event.steering));
  return { ...event, steering: omit(event.steering, outdated) };
}

function omit(steering: Steering, keys: readonly string[]): Steering {
  return Object.fromEntries(Object.entries(steering).filter(([key]) => !keys.includes(key)));
}

/** Notes something about a job that no event tells. */
export function noteJob(jobId: string, change: Partial<JobExtras>): void {
  jobsStore.setState(({ extras }) => ({ extras: { ...extras, [jobId]: { ...(extras[jobId] ?? noExtras), ...change } } }));
}

function extrasAfter(extras: JobExtras, event: JobEvent): JobExtras | null {
  if (event.kind === 'loading') return { ...extras, loadingPart: event.part };
  if (event.kind === 'stopping' || event.kind === 'stopped') return { ...extras, hardStop: event.hard };
  if (event.kind === 'steered') {
    const confirmed = steerings.filter((key) => isSame(key, extras.wanted, event.steering));
    return { ...extras, wanted: omit(extras.wanted, confirmed) };
  }
  return null;
}

/** Without a picture that was deleted. A job keeps its last one: it stays the job that ended in a picture. */
export function withoutPicture(state: JobsState, pictureId: string): JobsState {
  const job = Object.values(state.byId).find(({ pictures }) => pictures.length > 1 && pictures.some(({ id }) => id === pictureId));
  if (job === undefined) return state;
  const left = { ...job, pictures: job.pictures.filter(({ id }) => id !== pictureId) };
  return { ...state, byId: { ...state.byId, [job.jobId]: left } };
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

/**
 * Ids of the jobs the queue lists: what runs and waits in its order, then what ended, the latest first. Those that ended in
 * a picture are in the history.
 */
export function listedJobs(state: JobsState): readonly string[] {
  const listed = state.order.flatMap((id) => {
    const job = state.byId[id];
    return job === undefined || job.state === 'finished' || job.pictures.length > 0 ? [] : [job];
  });
  const ended = listed.filter((job) => isEnded(job.state)).reverse();
  return [...listed.filter((job) => !isEnded(job.state)), ...ended].map((job) => job.jobId);
}
