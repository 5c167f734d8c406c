import type { GenerationRequest, GuidanceEnd, Reuse, SteeringEntry } from '../../../shared/generation.ts';
import { type GuidancePlan, isGuided, scaleForStep } from '../../../shared/guidanceCurve.ts';
import { type JobSnapshot, shallowEvaluations, type Steering } from '../../../shared/job.ts';
import type { JobsState } from './jobs.ts';
import { jobSteps } from './stepPlan.ts';

/** Model calls of a run, as they come or as they are foreseen. */
export interface CallForecast {
  readonly guided: number;
  readonly total: number;
  readonly calls: number;
  /** Of those, calls of the UNet's outermost layers alone. */
  readonly shallow: number;
  /** Share of the calls that guiding every step would take. */
  readonly fewer: number;
  /** There may be fewer still: where guidance ends by evidence, or settled steps are skipped, only the run can tell. */
  readonly isMost: boolean;
}

/** What every step of a plan gets. `sigmas`: those that are known, by step. */
export function plannedScales(plan: GuidancePlan, total: number, sigmas: readonly number[] = []): readonly number[] {
  return Array.from({ length: total }, (_, index) => scaleForStep(plan, index, total, sigmas[index] ?? null));
}

/** Two calls a guided step, one where an earlier unconditional answer serves; those of the past as they were. */
export function forecastCalls(scales: readonly number[], reuse: Reuse, end: GuidanceEnd, done: JobSnapshot['steps'] = []): CallForecast {
  const planned = plannedCalls(reuse, scales.length);
  let [calls, shallow, guided] = [0, 0, 0];
  scales.forEach((scale, index) => {
    const step = done[index];
    const isOn = step?.guided ?? isGuided(scale);
    if (isOn) guided++;
    const ahead = planned(isOn, index);
    const outer = step === undefined ? ahead.shallow : shallowEvaluations(step);
    shallow += outer;
    calls += step === undefined ? ahead.calls : step.unetEvaluations + outer;
  });
  const total = scales.length;
  const isOver = done.length >= total;
  return {
    guided,
    total,
    calls,
    shallow,
    fewer: total === 0 ? 0 : 1 - calls / (2 * total),
    isMost: !isOver && (end.kind === 'evidence' || reuse.kind === 'steps'),
  };
}

/** What each step to come takes, asked for one after the other. */
function plannedCalls(reuse: Reuse, total: number): (isOn: boolean, index: number) => Pick<CallForecast, 'calls' | 'shallow'> {
  /** Steps since the model was asked for all; none before the first. */
  let age: number | null = null;
  let wasOn = false;
  return (isOn, index) => {
    const all = isOn ? 2 : 1;
    const isFresh = (reuse.kind === 'unconditional' || reuse.kind === 'features') && age !== null && age < reuse.every - 1;
    const isServed = isFresh && (reuse.kind === 'features' ? isOn === wasOn && index < total - 1 : isOn);
    age = isServed ? (age ?? 0) + 1 : reuse.kind === 'unconditional' && !isOn ? null : 0;
    wasOn = isOn;
    if (!isServed) return { calls: all, shallow: 0 };
    return reuse.kind === 'features' ? { calls: all, shallow: all } : { calls: 1, shallow: 0 };
  };
}

/** The first step from which on nothing is guided any more, 0-based; null where the last one is. */
export function unguidedFrom(scales: readonly number[]): number | null {
  const last = scales.findLastIndex((scale) => isGuided(scale));
  return last === scales.length - 1 ? null : last + 1;
}

/** Steps of a job that can no longer change: those done, and the one in progress. */
export function lockedSteps(job: JobSnapshot): number {
  const total = jobSteps(job);
  if (job.state === 'queued' || job.state === 'loading') return 0;
  return Math.min(total, job.steps.length + (job.state === 'running' ? 1 : 0));
}

function steered<T extends GuidancePlan & { readonly reuse: Reuse }>(plan: T, { guidanceScale, guidanceEnd, guidanceCurve, guidanceInterval, reuse }: Steering): T {
  return {
    ...plan,
    ...(guidanceScale === undefined ? {} : { guidanceScale }),
    ...(guidanceEnd === undefined ? {} : { guidanceEnd }),
    ...(guidanceCurve === undefined ? {} : { guidanceCurve }),
    ...(guidanceInterval === undefined ? {} : { guidanceInterval }),
    ...(reuse === undefined ? {} : { reuse }),
  };
}

export type RunPlan = GuidancePlan & { readonly reuse: Reuse };

/** What a job goes by at a step: its request, what was done to it since, what it is going to have done to it, and what is on its way. */
export function jobPlanAt(job: JobSnapshot, wanted: Steering, stepIndex: number): RunPlan {
  const { request } = job;
  const done = job.steps.length;
  const ahead = request.steering.filter(({ afterStep }) => afterStep >= done && afterStep < stepIndex);
  const entries: readonly SteeringEntry[] = [...job.log.filter(({ afterStep }) => afterStep < stepIndex), ...ahead];
  const plan: RunPlan = {
    guidanceScale: request.guidanceScale,
    guidanceEnd: request.guidanceEnd,
    guidanceCurve: request.guidanceCurve,
    guidanceInterval: request.guidanceInterval,
    reuse: request.reuse,
  };
  const logged = entries.reduce((before, { steering }) => steered(before, steering), plan);
  return stepIndex >= lockedSteps(job) ? steered(logged, wanted) : logged;
}

/** What decides the noise levels of a request's steps. */
function scheduleOf(request: GenerationRequest): string {
  const { modelId, scheduler, sigmaSchedule, timestepSpacing, steps, timesteps, sigmas, task, strength, denoisingStart, denoisingEnd } = request;
  const acting = task === 'text-to-image' || denoisingStart !== null ? 1 : strength;
  return JSON.stringify([modelId, scheduler, sigmaSchedule, timestepSpacing, steps, timesteps, sigmas, acting, denoisingStart, denoisingEnd]);
}

/** The noise levels of a request's steps, as far as a run with the same schedule has shown them. */
export function knownSigmas(jobs: Pick<JobsState, 'byId' | 'order'>, request: GenerationRequest): readonly number[] {
  const wanted = scheduleOf(request);
  let best: readonly number[] = [];
  for (const id of jobs.order) {
    const job = jobs.byId[id];
    if (job === undefined || job.steps.length <= best.length || scheduleOf(job.request) !== wanted) continue;
    // Another plan for the tail is another schedule.
    if (job.log.some(({ steering }) => steering.tail !== undefined)) continue;
    best = job.steps.map(({ sigma }) => sigma);
  }
  return best;
}

/** What every step of a job got, or is going to get. */
export function jobScales(job: JobSnapshot, wanted: Steering, sigmas: readonly number[]): readonly number[] {
  const total = jobSteps(job);
  const cosines = job.steps.flatMap(({ guidanceCosine }) => (guidanceCosine === null ? [] : [guidanceCosine]));
  const mostCosine = cosines.length === 0 ? null : Math.max(...cosines);
  return Array.from({ length: total }, (_, index) => {
    const step = job.steps[index];
    if (step !== undefined) return step.guidanceScale;
    return scaleForStep(jobPlanAt(job, wanted, index), index, total, sigmas[index] ?? null, mostCosine);
  });
}
