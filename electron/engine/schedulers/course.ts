import type { PredictionType } from '../guidance/prediction.ts';
import type { Stepper } from './scheduler.ts';

/** The part of a stepper's list that a run takes: from `begin` up to, not including, `end`. */
export interface StepWindow {
  readonly begin: number;
  readonly end: number;
}

/** A plan of noise levels, and where in the run it begins. A run has one, or after steering one after the other. */
export interface Course {
  readonly stepper: Stepper;
  readonly window: StepWindow;
  readonly predictionType: PredictionType;
  /** The run's step at `window.begin`; 0 where it is left out. */
  readonly startsAt?: number;
}

/** T: the model calls a run takes by this course, those before it included and guidance aside. */
export function stepsOf({ window, startsAt = 0 }: Course): number {
  return startsAt + window.end - window.begin;
}

/** Where in the stepper's list a step of the run is. */
export function indexOf({ window, startsAt = 0 }: Course, stepIndex: number): number {
  return window.begin + stepIndex - startsAt;
}
