import { z } from 'zod';
import { createStore } from 'zustand/vanilla';
import { toFailure } from '../../../shared/errors.ts';
import { breakpointSchema, type Breakpoint } from '../../../shared/job.ts';
import { callCore } from './core.ts';
import { notifyFailure } from './notices.ts';

export interface BreakpointsState {
  readonly byJob: Readonly<Record<string, readonly Breakpoint[]>>;
}

/** A change of the clean estimate, relative RMS, below which a picture looks the same to the eye. */
export const usualThreshold = 0.02;

/** As the call takes. */
const most = 64;

const storageKey = 'stopbath.breakpoints';
/** Jobs whose breakpoints a reload of the page finds again. */
const mostJobs = 20;
const savedSchema = z.record(z.string(), z.array(breakpointSchema));

/** Snapshots do not hold them: without this a reloaded page would pause where nothing is to be seen. */
function readSaved(): BreakpointsState['byJob'] {
  try {
    return savedSchema.parse(JSON.parse(sessionStorage.getItem(storageKey) ?? '{}'));
  } catch {
    return {};
  }
}

function save(byJob: BreakpointsState['byJob']): void {
  try {
    sessionStorage.setItem(storageKey, JSON.stringify(Object.fromEntries(Object.entries(byJob).slice(-mostJobs))));
  } catch {
    // A page that may store nothing forgets them when it is reloaded.
  }
}

export const breakpointsStore = createStore<BreakpointsState>(() => ({ byJob: readSaved() }));

export const noBreakpoints: readonly Breakpoint[] = [];

export function breakpointsOf(jobId: string): readonly Breakpoint[] {
  return breakpointsStore.getState().byJob[jobId] ?? noBreakpoints;
}

function isSame(a: Breakpoint, b: Breakpoint): boolean {
  return a.kind === b.kind && (a.kind !== 'step' || b.kind !== 'step' || a.stepIndex === b.stepIndex);
}

export function hasBreakpoint(list: readonly Breakpoint[], breakpoint: Breakpoint): boolean {
  return list.some((other) => isSame(other, breakpoint));
}

/** In the order in which a run may meet them: steps first, then what depends on the run. */
function sorted(list: readonly Breakpoint[]): readonly Breakpoint[] {
  const steps = list.filter((breakpoint) => breakpoint.kind === 'step').sort((a, b) => a.stepIndex - b.stepIndex);
  return [...steps, ...list.filter(({ kind }) => kind === 'cutoff'), ...list.filter(({ kind }) => kind === 'settled')];
}

/** Puts one in place of the one of its kind, or of its step. */
export function putBreakpoint(jobId: string, breakpoint: Breakpoint): void {
  change(jobId, [...breakpointsOf(jobId).filter((other) => !isSame(other, breakpoint)), breakpoint]);
}

export function removeBreakpoint(jobId: string, breakpoint: Breakpoint): void {
  change(
    jobId,
    breakpointsOf(jobId).filter((other) => !isSame(other, breakpoint)),
  );
}

export function toggleBreakpoint(jobId: string, breakpoint: Breakpoint): void {
  if (hasBreakpoint(breakpointsOf(jobId), breakpoint)) removeBreakpoint(jobId, breakpoint);
  else putBreakpoint(jobId, breakpoint);
}

function change(jobId: string, list: readonly Breakpoint[]): void {
  const before = breakpointsOf(jobId);
  const breakpoints = sorted(list).slice(0, most);
  show(jobId, breakpoints);
  callCore('jobs.breakpoints', { jobId, breakpoints }).catch((error: unknown) => {
    show(jobId, before);
    notifyFailure(toFailure(error));
  });
}

function show(jobId: string, list: readonly Breakpoint[]): void {
  breakpointsStore.setState(({ byJob }) => ({ byJob: { ...byJob, [jobId]: list } }));
  save(breakpointsStore.getState().byJob);
}
