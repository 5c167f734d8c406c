import { StopbathError } from '../../../shared/errors.ts';
import type { ReuseMemory } from '../guidance/reuse.ts';
import type { Stepper } from '../schedulers/scheduler.ts';
import type { NextStep } from './callback.ts';

/** What has a state that is plain data. */
export interface Snapshotting {
  snapshot(): unknown;
}

/** What a checkpoint keeps as its `stepper`: all that the loop holds beside tensors callbacks know, and follows from no log. */
export function loopState(
  { course, guidanceScale, guidanceRescale }: NextStep,
  reuse: ReuseMemory,
  callbacks: readonly Snapshotting[],
): unknown {
  const states = callbacks.map((callback) => callback.snapshot());
  return { sampler: course.stepper.snapshot(), reuse: reuse.snapshot(), guidanceScale, guidanceRescale, callbacks: states };
}

/** The states of a run's callbacks, in their order. */
export function callbackStates(state: unknown): readonly unknown[] {
  if (typeof state !== 'object' || state === null || !('callbacks' in state) || !Array.isArray(state.callbacks)) throw unreadable();
  return state.callbacks;
}

/**
 * Puts stepper and kept answers back where they were.
 * @returns the guidance of the step to come, which another callback than the steering may have set
 * @throws StopbathError `INVALID_INPUT` for a state that is not readable.
 */
export function restoreLoop(state: unknown, stepper: Stepper, reuse: ReuseMemory): Pick<NextStep, 'guidanceScale' | 'guidanceRescale'> {
  if (typeof state !== 'object' || state === null) throw unreadable();
  const { sampler, reuse: kept, guidanceScale, guidanceRescale } = state as Record<string, unknown>;
  if (typeof guidanceScale !== 'number' || typeof guidanceRescale !== 'number') throw unreadable();
  stepper.restore(sampler);
  reuse.restore(kept);
  return { guidanceScale, guidanceRescale };
}

function unreadable(): StopbathError {
  return new StopbathError({ code: 'INVALID_INPUT', message: 'The saved run is not readable.', nextStep: 'Start the picture anew.' });
}
