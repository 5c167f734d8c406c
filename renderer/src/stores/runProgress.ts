import type { Reuse } from '../../../shared/generation.ts';
import { isGuided } from '../../../shared/guidanceCurve.ts';
import { type JobSnapshot, shallowEvaluations, type Steering, type StepRecord } from '../../../shared/job.ts';
import { jobPlanAt, jobScales } from './curvePlan.ts';
import { jobSteps } from './stepPlan.ts';

export interface RunProgress {
  readonly stepsDone: number;
  /** Planned steps; before the first step the request's number. */
  readonly total: number;
  /** Steps run with guidance so far. */
  readonly guidedDone: number;
  /** Steps that will have been guided at the end, as steering stands now. */
  readonly guidedPlanned: number;
  /** UNet evaluations not needed at the end, against guiding every step in full: by a cutoff, and by what was used again. */
  readonly savedPlanned: number;
  /** Wall milliseconds of the last steps' average, or null before the first. */
  readonly msPerStep: number | null;
  readonly msLeft: number | null;
}

const averagedSteps = 8;

/**
 * @param wanted steered from here, and not confirmed by the engine yet
 * @param sigmas of the steps to come, as far as they are known
 */
export function runProgress(job: JobSnapshot, wanted: Steering = {}, sigmas: readonly number[] = []): RunProgress {
  const total = jobSteps(job);
  const stepsDone = job.steps.length;
  const guidedDone = job.steps.filter((step) => step.guided).length;
  // As the curve draws them: with what the request steers later, and an end by evidence that has been reached.
  const guidedAhead = jobScales(job, wanted, sigmas).slice(stepsDone).filter(isGuided).length;
  const unguidedAhead = Math.max(0, total - stepsDone - guidedAhead);
  const costs = stepCosts(job.steps, job.paceMs);
  return {
    stepsDone,
    total,
    guidedDone,
    guidedPlanned: guidedDone + guidedAhead,
    savedPlanned: savedEvaluations(job, currentReuse(job, wanted), guidedAhead, unguidedAhead),
    msPerStep: costs?.recent ?? null,
    msLeft: costs === null ? null : guidedAhead * costs.guided + unguidedAhead * costs.unguided,
  };
}

/** As the engine counts in its trace: full cost is that of a run guided to its end, where the request asks for guidance. */
function savedEvaluations(job: JobSnapshot, reuse: Reuse, guidedAhead: number, unguidedAhead: number): number {
  const { steps } = job;
  if (job.request.guidanceScale <= 1) return Math.max(0, steps.length - evaluations(steps));
  // A model that takes the scale as an input is asked once, guided or not.
  const isAskedOnce = steps.some(({ guided, reused, unetEvaluations }) => guided && reused === 'none' && unetEvaluations === 1);
  const full = isAskedOnce ? 1 : 2;
  const guidedCost = full === 2 && reuse.kind === 'unconditional' ? 1 + 1 / reuse.every : full;
  const used = evaluations(steps) + guidedAhead * guidedCost + unguidedAhead;
  return Math.max(0, Math.floor(full * (steps.length + guidedAhead + unguidedAhead) - used));
}

/** Those of the outermost layers alone, too: they are not saved. */
function evaluations(steps: readonly StepRecord[]): number {
  return steps.reduce((sum, step) => sum + step.unetEvaluations + shallowEvaluations(step), 0);
}

/** What is used again instead of asking the model, as steering stands now. */
function currentReuse(job: JobSnapshot, wanted: Steering): Reuse {
  return jobPlanAt(job, wanted, jobSteps(job)).reuse;
}

interface StepCosts {
  readonly recent: number;
  readonly guided: number;
  readonly unguided: number;
}

function stepCosts(steps: readonly StepRecord[], paceMs: number): StepCosts | null {
  const recent = average(steps.slice(-averagedSteps));
  if (recent === null) return null;
  const guided = average(steps.filter((step) => step.guided).slice(-averagedSteps));
  const unguided = average(steps.filter((step) => !step.guided).slice(-averagedSteps));
  return {
    recent: Math.max(recent, paceMs),
    // A guided step evaluates the UNet twice; until one kind was seen, it is taken from the other.
    guided: Math.max(guided ?? recent * 2, paceMs),
    unguided: Math.max(unguided ?? recent / 2, paceMs),
  };
}

function average(steps: readonly StepRecord[]): number | null {
  if (steps.length === 0) return null;
  return steps.reduce((sum, step) => sum + step.ms, 0) / steps.length;
}

/** Share of all evaluations (two a step when everything is guided) that are saved, 0..1. */
export function savedShare(saved: number, total: number): number {
  return total === 0 ? 0 : saved / (2 * total);
}
