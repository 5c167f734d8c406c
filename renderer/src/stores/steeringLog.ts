import { guidedSteps, type GenerationRequest, type GuidanceCurve, type GuidanceEnd, type SteeringEntry } from '../../../shared/generation.ts';
import type { JobSnapshot } from '../../../shared/job.ts';
import type { SchedulerId, SigmaScheduleId } from '../../../shared/samplers.ts';
import { callsPerStep, planSteps, requestPlan } from './stepPlan.ts';

/** A run as far as its steering goes. */
export type SteeredRun = Pick<JobSnapshot, 'request' | 'log'>;

/** The same whatever the order of its fields. */
export function entryKey({ afterStep, steering }: SteeringEntry): string {
  const fields = Object.entries(steering).filter(([, value]) => value !== undefined);
  return JSON.stringify([afterStep, fields.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** What of a log the other has not, entry by entry. */
export function entriesWithout(log: readonly SteeringEntry[], other: readonly SteeringEntry[]): readonly SteeringEntry[] {
  const left = other.map(entryKey);
  return log.filter((entry) => {
    const at = left.indexOf(entryKey(entry));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function byStep(log: readonly SteeringEntry[]): readonly SteeringEntry[] {
  return [...log].sort((a, b) => a.afterStep - b.afterStep);
}

/**
 * All that was, and by its request will be, done to a run, in order. A run tells planned entries as it meets them; those count
 * once.
 */
export function wholeLog({ request, log }: SteeredRun): readonly SteeringEntry[] {
  return byStep([...request.steering, ...entriesWithout(log, request.steering)]);
}

/** What a run follows at some point, as far as it can be chosen anew there. */
export interface RunSettings {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly guidanceScale: number;
  readonly guidanceEnd: GuidanceEnd;
  readonly guidanceCurve: GuidanceCurve;
  readonly scheduler: SchedulerId;
  readonly sigmaSchedule: SigmaScheduleId;
  /** Of the noise that steps add; null: the request's own stream goes on. */
  readonly noiseSeed: string | null;
  /** Iterations of the loop from the first step to the last. */
  readonly numTimesteps: number;
}

function settingsOf(request: GenerationRequest): RunSettings {
  const { prompt, negativePrompt, guidanceScale, guidanceEnd, guidanceCurve, scheduler, sigmaSchedule } = request;
  const numTimesteps = requestPlan(request).calls;
  return { prompt, negativePrompt, guidanceScale, guidanceEnd, guidanceCurve, scheduler, sigmaSchedule, noiseSeed: null, numTimesteps };
}

/** Iterations of the loop that so many steps of a sampler take. */
export function iterations(scheduler: SchedulerId, steps: number): number {
  return planSteps({ scheduler, asked: steps, listed: false }, 1).calls;
}

/** Steps of a sampler that so many iterations of the loop stand for. */
export function stepsOfIterations(scheduler: SchedulerId, count: number): number {
  return Math.ceil(count / callsPerStep(scheduler));
}

function steered(settings: RunSettings, { afterStep, steering }: SteeringEntry): RunSettings {
  const { tail } = steering;
  const scheduler = tail?.scheduler ?? settings.scheduler;
  return {
    prompt: steering.prompt ?? settings.prompt,
    negativePrompt: steering.negativePrompt === undefined ? settings.negativePrompt : steering.negativePrompt,
    guidanceScale: steering.guidanceScale ?? settings.guidanceScale,
    guidanceEnd: steering.guidanceEnd ?? settings.guidanceEnd,
    guidanceCurve: steering.guidanceCurve ?? settings.guidanceCurve,
    scheduler,
    sigmaSchedule: tail?.sigmaSchedule ?? settings.sigmaSchedule,
    noiseSeed: steering.noiseSeed ?? settings.noiseSeed,
    numTimesteps: tail === undefined ? settings.numTimesteps : afterStep + 1 + iterations(scheduler, tail.steps),
  };
}

/** What a run follows after these entries of its log; `job.steps` tell its length better than a plan where they are there. */
export function settingsAfter(job: Pick<JobSnapshot, 'request' | 'steps' | 'numTimesteps'>, entries: readonly SteeringEntry[]): RunSettings {
  const planned = entries.reduce(steered, settingsOf(job.request));
  const lastPlan = entries.findLast(({ steering }) => steering.tail !== undefined)?.afterStep ?? -1;
  const told = job.steps.find(({ stepIndex }) => stepIndex > lastPlan)?.numTimesteps;
  return { ...planned, numTimesteps: told ?? planned.numTimesteps };
}

/** What a run follows behind a step (0-based): with what was done there. */
export function settingsAt(job: Pick<JobSnapshot, 'request' | 'log' | 'steps' | 'numTimesteps'>, stepIndex: number): RunSettings {
  return settingsAfter(
    job,
    wholeLog(job).filter(({ afterStep }) => afterStep <= stepIndex),
  );
}

/** How many of the run's steps are guided in the end, those of the past included. */
export function guidedCount(settings: Pick<RunSettings, 'guidanceEnd'>, total: number): number {
  return guidedSteps(settings.guidanceEnd, total);
}
