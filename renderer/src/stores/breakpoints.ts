import { toFailure } from '../../../shared/errors.ts';
import type { Breakpoint } from '../../../shared/job.ts';
import { callCore } from './core.ts';
import { applyToJobs, jobsStore } from './jobs.ts';
import { notifyFailure } from './notices.ts';

/** A change of the clean estimate, relative RMS, below which a picture looks the same to the eye. */
export const usualThreshold = 0.02;

/** As the call takes. */
const most = 64;

export const noBreakpoints: readonly Breakpoint[] = [];

export function breakpointsOf(jobId: string): readonly Breakpoint[] {
  return jobsStore.getState().byId[jobId]?.breakpoints ?? noBreakpoints;
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
  callCore('jobs.breakpoints', { jobId, breakpoints: [...breakpoints] }).catch((error: unknown) => {
    show(jobId, before);
    notifyFailure(toFailure(error));
  });
}

/** At once; the core's own word follows. */
function show(jobId: string, breakpoints: readonly Breakpoint[]): void {
  jobsStore.setState((state) => applyToJobs(state, { kind: 'breakpoints', jobId, breakpoints: [...breakpoints] }, 0));
}
