import type { Steering } from './generation.ts';
import type { JobEvent } from './jobEvent.ts';
import type { CallbackLine, CallbackProblem, JobSnapshot } from './jobSnapshot.ts';
import type { Preview } from './picture.ts';
import { withWarning } from './runWarning.ts';

export function emptySnapshot(jobId: string, request: JobSnapshot['request'], paceMs: number): JobSnapshot {
  return {
    jobId,
    request,
    state: 'queued',
    stopping: false,
    numTimesteps: null,
    guidanceScale: request.guidanceScale,
    guidanceEnd: request.guidanceEnd,
    paceMs,
    steps: [],
    previews: [],
    failure: null,
    keepable: false,
    pictures: [],
    trace: null,
    parent: null,
    log: [],
    callbackProblems: [],
    callbackLog: [],
    warnings: [],
    breakpoints: [],
  };
}

/** An entry that is there already was told again by a run that went on from before it. */
function logged(log: JobSnapshot['log'], { paceMs: _, ...steering }: Steering, afterStep: number): JobSnapshot['log'] {
  if (Object.keys(steering).length === 0) return log;
  const before = log.findLast((entry) => entry.afterStep === afterStep);
  return JSON.stringify(before?.steering) === JSON.stringify(steering) ? log : [...log, { afterStep, steering }];
}

/** A callback is switched off once; a run that goes on may tell it again. */
function withProblem(problems: readonly CallbackProblem[], { name, stepIndex, line, message }: CallbackProblem): CallbackProblem[] {
  return [...problems.filter((other) => other.name !== name), { name, stepIndex, line, message }];
}

/** Lines of a job that are kept, of all its callbacks. */
const mostLines = 100;

/** A step that is made again writes its lines again; a run that goes on reads its callbacks' sources again. */
function withLines(log: readonly CallbackLine[], { name, stepIndex, lines }: Extract<JobEvent, { kind: 'callback-log' }>): CallbackLine[] {
  const isWrittenAgain = (line: CallbackLine): boolean =>
    line.name === name && (stepIndex < 0 ? line.stepIndex === stepIndex : line.stepIndex >= stepIndex);
  return [...log.filter((line) => !isWrittenAgain(line)), ...lines.map((text) => ({ name, stepIndex, text }))].slice(-mostLines);
}

function isSameFrame(a: Preview, b: Preview): boolean {
  return a.stepIndex === b.stepIndex && a.source === b.source;
}

/**
 * One event applied to a snapshot: the single reducer that core and interface share. `removed` changes lists, not a job. A run
 * that goes on from an earlier step makes the steps after it again: they take the place of the old ones.
 */
export function applyJobEvent(job: JobSnapshot, event: JobEvent): JobSnapshot {
  switch (event.kind) {
    case 'queued':
      return event.job ?? job;
    case 'removed':
    case 'steer-refused':
      return job;
    case 'loading':
      return { ...job, state: 'loading' };
    case 'step':
      return {
        ...job,
        state: 'running',
        numTimesteps: event.step.numTimesteps,
        steps: [...job.steps.filter(({ stepIndex }) => stepIndex < event.step.stepIndex), event.step],
      };
    case 'preview':
      return { ...job, previews: [...job.previews.filter((other) => !isSameFrame(other, event.preview)), event.preview] };
    case 'steered':
      return {
        ...job,
        guidanceScale: event.steering.guidanceScale ?? job.guidanceScale,
        guidanceEnd: event.steering.guidanceEnd ?? job.guidanceEnd,
        paceMs: event.steering.paceMs ?? job.paceMs,
        log: logged(job.log, event.steering, event.afterStep),
      };
    case 'paused':
      return { ...job, state: 'paused' };
    case 'resumed':
      return { ...job, state: 'running' };
    case 'callback-problem':
      return { ...job, callbackProblems: withProblem(job.callbackProblems, event) };
    case 'callback-log':
      return { ...job, callbackLog: withLines(job.callbackLog, event) };
    case 'warning':
      return { ...job, warnings: withWarning(job.warnings, event) };
    case 'breakpoints':
      return { ...job, breakpoints: event.breakpoints };
    case 'stopping':
      return { ...job, stopping: true };
    case 'decoding':
      return { ...job, state: 'decoding' };
    case 'finished':
      return { ...job, state: 'finished', stopping: false, pictures: event.pictures, trace: event.trace };
    case 'stopped':
      return { ...job, state: 'stopped', stopping: false, keepable: event.keepable, trace: event.trace, numTimesteps: event.numTimesteps };
    case 'failed':
      return { ...job, state: 'failed', stopping: false, failure: event.failure, keepable: event.keepable };
    case 'kept':
      return { ...job, pictures: event.pictures, keepable: false };
  }
}
