import type { GuidanceEnd } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { isGuided, isWithinGuidance } from '../guidance/guidanceState.ts';
import type { StepCallback } from './callback.ts';

/** What a person wants by now; written by {@link RunControls.steer}, read at every step's end. */
export class RunControls {
  guidanceScale: number;
  guidanceEnd: GuidanceEnd;
  paceMs: number;
  #pending: Steering[] = [];

  constructor(guidanceScale: number, guidanceEnd: GuidanceEnd, paceMs: number) {
    this.guidanceScale = guidanceScale;
    this.guidanceEnd = guidanceEnd;
    this.paceMs = paceMs;
  }

  steer(steering: Steering): void {
    this.guidanceScale = steering.guidanceScale ?? this.guidanceScale;
    this.guidanceEnd = steering.guidanceEnd ?? this.guidanceEnd;
    this.paceMs = steering.paceMs ?? this.paceMs;
    this.#pending.push(steering);
  }

  /** The changes since the last call. */
  takePending(): readonly Steering[] {
    const taken = this.#pending;
    this.#pending = [];
    return taken;
  }
}

/**
 * Brings a changed guidance scale into a guided run; where guidance has ended, the cutoff callback after this one decides.
 * @param onApplied told every change with the index of the step after which it counts
 */
export function steeringCallback(
  controls: RunControls,
  onApplied: (steering: Steering, afterStep: number) => void,
): StepCallback {
  let applied = controls.guidanceScale;
  return {
    name: 'steering',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd(run, stepIndex) {
      for (const steering of controls.takePending()) onApplied(steering, stepIndex);
      const wanted = controls.guidanceScale;
      if (wanted === applied) return undefined;
      applied = wanted;
      const within = isWithinGuidance(controls.guidanceEnd, stepIndex + 1, run.numTimesteps);
      return within || !isGuided(wanted) ? { guidanceScale: wanted } : undefined;
    },
  };
}
