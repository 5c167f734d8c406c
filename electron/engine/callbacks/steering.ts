import type { Steering } from '../../../shared/job.ts';
import { type GuidancePlan, scaleForStep } from '../guidance/guidanceCurve.ts';
import { isGuided, unguidedScale } from '../guidance/guidanceState.ts';
import type { StepCallback } from './callback.ts';

/** What a person wants by now; written by {@link RunControls.steer}, read at every step's end. */
export class RunControls implements GuidancePlan {
  guidanceScale: GuidancePlan['guidanceScale'];
  guidanceEnd: GuidancePlan['guidanceEnd'];
  readonly guidanceCurve: GuidancePlan['guidanceCurve'];
  readonly guidanceInterval: GuidancePlan['guidanceInterval'];
  paceMs: number;
  #pending: Steering[] = [];

  /**
   * @param plan the guidance fields of a request, or of a checkpoint to go on from
   * @param paceMs least wall time of a step
   */
  constructor(plan: GuidancePlan, paceMs: number) {
    this.guidanceScale = plan.guidanceScale;
    this.guidanceEnd = plan.guidanceEnd;
    this.guidanceCurve = plan.guidanceCurve;
    this.guidanceInterval = plan.guidanceInterval;
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
 * The one callback that sets the next step's guidance scale from what the request, and a person since then, says: scale,
 * curve, interval and end. diffusers' SDCFGCutoffCallback acts when `i == trunc(T * ratio)`; an end moved during the run may
 * lie behind, so it is worked out anew at every step, and an end moved ahead switches guidance back on.
 * It speaks only where the plan changes, so that a scale another callback has set stays; where it switches guidance off it
 * says so at every step.
 * @param onApplied told every change with the index of the step after which it counts
 */
export function steeringCallback(
  controls: RunControls,
  onApplied: (steering: Steering, afterStep: number) => void,
): StepCallback {
  let applied: GuidancePlan = planOf(controls);
  return {
    name: 'steering',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd({ numTimesteps, sigma, nextSigma }, stepIndex) {
      for (const steering of controls.takePending()) onApplied(steering, stepIndex);
      if (nextSigma === null) return undefined;
      const now = scaleForStep(applied, stepIndex, numTimesteps, sigma);
      applied = planOf(controls);
      const next = scaleForStep(applied, stepIndex + 1, numTimesteps, nextSigma);
      return next !== now || (next === unguidedScale && isGuided(applied.guidanceScale)) ? { guidanceScale: next } : undefined;
    },
  };
}

function planOf({ guidanceScale, guidanceEnd, guidanceCurve, guidanceInterval }: GuidancePlan): GuidancePlan {
  return { guidanceScale, guidanceEnd, guidanceCurve, guidanceInterval };
}
