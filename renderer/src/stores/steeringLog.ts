import { guidedSteps, type GenerationRequest, type GuidanceEnd, type SteeringEntry } from '../../../shared/generation.ts';
import type { JobSnapshot } from '../../../shared/job.ts';
import type { SchedulerId, SigmaScheduleId } from '../../../shared/samplers.ts';
import { wholeLog } from '../../../shared/steeringLog.ts';
import type { GuidanceSettings } from './forkGuidance.ts';
import { callsPerStep, planSteps, requestPlan } from './stepPlan.ts';

/** What a run follows at some point, as far as it can be chosen anew there. */
export interface RunSettings extends GuidanceSettings {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly guidanceScale: number;
  readonly guidanceEnd: GuidanceEnd;
  readonly scheduler: SchedulerId;
  readonly sigmaSchedule: SigmaScheduleId;
  /** Of the noise that steps add; null: the request's own stream goes on. */
  readonly noiseSeed: string | null;
  /** Iterations of the loop from the first step to the last. */
  readonly numTimesteps: number;
}

function settingsOf(request: GenerationRequest): RunSettings {
  const { prompt, negativePrompt, guidanceScale, guidanceEnd, scheduler, sigmaSchedule } = request;
  const { guidanceCurve, guidanceInterval, guidanceRescale, reuse } = request;
  const guidance = { guidanceScale, guidanceEnd, guidanceCurve, guidanceInterval, guidanceRescale, reuse };
  const numTimesteps = requestPlan(request).calls;
  return { prompt, negativePrompt, ...guidance, scheduler, sigmaSchedule, noiseSeed: null, numTimesteps };
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
    guidanceInterval: steering.guidanceInterval === undefined ? settings.guidanceInterval : steering.guidanceInterval,
    guidanceRescale: steering.guidanceRescale ?? settings.guidanceRescale,
    reuse: steering.reuse ?? settings.reuse,
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
