import { guidedSteps } from '../../../shared/generation.ts';
import type { JobSnapshot, StepRecord } from '../../../shared/job.ts';
import { jobSteps } from './stepPlan.ts';

export interface RunProgress {
  readonly stepsDone: number;
  /** Planned steps; before the first step the request's number. */
  readonly total: number;
  /** Steps run with guidance so far. */
  readonly guidedDone: number;
  /** Steps that will have been guided at the end, as steering stands now. */
  readonly guidedPlanned: number;
  /** UNet evaluations not needed so far, against guiding every step. */
  readonly saved: number;
  readonly savedPlanned: number;
  /** Wall milliseconds of the last steps' average, or null before the first. */
  readonly msPerStep: number | null;
  readonly msLeft: number | null;
}

const averagedSteps = 8;

export function runProgress(job: JobSnapshot): RunProgress {
  const total = jobSteps(job);
  const stepsDone = job.steps.length;
  const guidedDone = job.steps.filter((step) => step.guided).length;
  const willGuide = job.guidanceScale > 1;
  const end = willGuide ? guidedSteps(job.guidanceEnd, total) : 0;
  // Steering may turn guidance on again: what is past stays as it was, what is ahead follows the plan.
  const guidedAhead = Math.max(0, Math.min(end, total) - stepsDone);
  const guidedPlanned = guidedDone + guidedAhead;
  const costs = stepCosts(job.steps, job.paceMs);
  const unguidedAhead = total - stepsDone - guidedAhead;
  return {
    stepsDone,
    total,
    guidedDone,
    guidedPlanned,
    saved: stepsDone - guidedDone,
    savedPlanned: total - guidedPlanned,
    msPerStep: costs?.recent ?? null,
    msLeft: costs === null ? null : guidedAhead * costs.guided + unguidedAhead * costs.unguided,
  };
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
