import { createStore } from 'zustand/vanilla';
import {
  applyJobEvent,
  emptySnapshot,
  isEnded,
  type JobEvent,
  type JobSnapshot,
  type PauseReason,
  type Steering,
} from '../../../shared/job.ts';

/** A place where the run waited, or ended and could go on. */
export interface Halt {
  /** Steps that were done by then. */
  readonly stepsDone: number;
  readonly kind: 'paused' | 'stopped' | 'failed';
  /** Why it paused; null: it did not. */
  readonly reason: PauseReason | null;
}

/** What the interface knows of a job beside its snapshot. */
export interface JobExtras {
  /** The part being loaded, as the engine names it. */
  readonly loadingPart: string | null;
  /** A second Stop was given, or the first was not answered: the engine process is being replaced, or was. */
  readonly hardStop: boolean;
  /** What was steered from here and the engine has not confirmed yet; an older confirmation must not take it back. */
  readonly wanted: Steering;
  /** Steps that were done when the last of it had been sent; null: it has not. */
  readonly wantedSince: number | null;
  /** It waits after the step in progress: asked for, and not there yet. */
  readonly pausing: boolean;
  /** Since this page was opened, in order. */
  readonly halts: readonly Halt[];
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

export const noExtras: JobExtras = {
  loadingPart: null,
  hardStop: false,
  wanted: {},
  wantedSince: null,
  pausing: false,
  halts: [],
  keeping: false,
};

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
    if (known !== undefined) return isEnded(known.state) ? goingOn(state, applyJobEvent(known, event)) : state;
    const job = event.job ?? emptySnapshot(jobId, event.request, paceMs);
    return { ...state, byId: { ...state.byId, [jobId]: job }, order: withQueued(state, event) };
  }
  if (known === undefined || isRepeated(known, event)) return state;
  const before = state.extras[jobId] ?? noExtras;
  const after = event.kind === 'steer-refused' ? asItIs(known, event.steering) : applyJobEvent(known, event);
  const byId = { ...state.byId, [jobId]: unlessOutdated(known, after, event, before.wanted) };
  const extras = extrasAfter(before, event);
  return extras === null ? { ...state, byId } : { ...state, byId, extras: { ...state.extras, [jobId]: extras } };
}

/** One that goes on from a step of a run is at the head of the queue, any other at its end. */
function withQueued({ byId, order }: JobsState, { jobId, job }: Extract<JobEvent, { kind: 'queued' }>): readonly string[] {
  const waiting = job === undefined ? -1 : order.findIndex((id) => byId[id]?.state === 'queued');
  return waiting < 0 ? [...order, jobId] : [...order.slice(0, waiting), jobId, ...order.slice(waiting)];
}

/** An ended run that was put in the queue again; where it had halted stays to be seen. */
function goingOn(state: JobsState, job: JobSnapshot): JobsState {
  const halts = (state.extras[job.jobId] ?? noExtras).halts.filter(({ stepsDone }) => stepsDone <= job.steps.length);
  return { ...state, byId: { ...state.byId, [job.jobId]: job }, extras: { ...state.extras, [job.jobId]: { ...noExtras, halts } } };
}

/** An event that a snapshot read a moment later already holds. A step that is made again takes another time. */
function isRepeated(job: JobSnapshot, event: JobEvent): boolean {
  if (event.kind === 'step') return job.steps.some(({ stepIndex, ms }) => stepIndex === event.step.stepIndex && ms === event.step.ms);
  if (event.kind === 'preview') {
    return job.previews.some((preview) => preview.stepIndex === event.preview.stepIndex && preview.url === event.preview.url);
  }
  return false;
}

/** What the snapshot itself holds of the steering. */
const shownSteerings = ['guidanceScale', 'guidanceEnd', 'paceMs'] as const;

function isSame(key: string, a: Steering, b: Steering): boolean {
  return JSON.stringify(a[key as keyof Steering]) === JSON.stringify(b[key as keyof Steering]);
}

/** Keeps what has been steered anew since: the engine confirms every change, one after the other. The log keeps them all. */
function unlessOutdated(before: JobSnapshot, job: JobSnapshot, event: JobEvent, wanted: Steering): JobSnapshot {
  if (event.kind !== 'steered') return job;
  const kept = shownSteerings.filter((key) => wanted[key] !== undefined && !isSame(key, wanted, event.steering));
  return { ...job, ...Object.fromEntries(kept.map((key) => [key, before[key]])) };
}

/** A job that shows again what the run goes by: what was shown for it was refused. */
function asItIs(job: JobSnapshot, refused: Steering): JobSnapshot {
  const done = job.log.map(({ steering }) => steering).reduce((all, steering) => ({ ...all, ...steering }), {});
  return {
    ...job,
    ...(refused.guidanceScale === undefined ? {} : { guidanceScale: done.guidanceScale ?? job.request.guidanceScale }),
    ...(refused.guidanceEnd === undefined ? {} : { guidanceEnd: done.guidanceEnd ?? job.request.guidanceEnd }),
  };
}

function omit(steering: Steering, keys: readonly string[]): Steering {
  return Object.fromEntries(Object.entries(steering).filter(([key]) => !keys.includes(key)));
}

/** Notes something about a job that no event tells. */
export function noteJob(jobId: string, change: Partial<JobExtras>): void {
  jobsStore.setState(({ extras }) => ({ extras: { ...extras, [jobId]: { ...(extras[jobId] ?? noExtras), ...change } } }));
}

function extrasAfter(extras: JobExtras, event: JobEvent): JobExtras | null {
  switch (event.kind) {
    case 'loading':
      return { ...extras, loadingPart: event.part };
    case 'stopping':
      return { ...extras, hardStop: event.hard };
    case 'stopped':
      return { ...halted(extras, { stepsDone: event.stepsDone, kind: 'stopped', reason: null }), hardStop: event.hard };
    case 'failed':
      return halted(extras, { stepsDone: event.stepsDone, kind: 'failed', reason: null });
    case 'paused':
      return halted(extras, { stepsDone: event.stepsDone, kind: 'paused', reason: event.reason });
    case 'finished':
      return { ...extras, pausing: false };
    case 'steered':
    case 'steer-refused': {
      const confirmed = Object.keys(extras.wanted).filter((key) => isSame(key, extras.wanted, event.steering));
      const wanted = omit(extras.wanted, confirmed);
      return { ...extras, wanted, wantedSince: Object.keys(wanted).length === 0 ? null : extras.wantedSince };
    }
    case 'step':
      // The engine takes a change at the end of the step in progress: two steps later it has refused it.
      return extras.wantedSince !== null && event.step.stepIndex > extras.wantedSince + 1 ? { ...extras, wanted: {}, wantedSince: null } : null;
    default:
      return null;
  }
}

function halted(extras: JobExtras, halt: Halt): JobExtras {
  const others = extras.halts.filter(({ stepsDone, kind }) => stepsDone !== halt.stepsDone || kind !== halt.kind);
  return { ...extras, pausing: false, halts: [...others, halt] };
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
