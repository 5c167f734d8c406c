import type { GuidanceCurve } from '../../../shared/generation.ts';
import { type GuidancePlan, scaleForStep } from '../guidance/guidanceCurve.ts';
import type { StepCallback } from './callback.ts';

/**
 * Runs the guidance scale along a curve, beginning with `guidanceScale` at the first step: give the request the same scale,
 * for a callback first speaks when a step is done.
 */
export function guidanceCurve(guidanceScale: number, curve: GuidanceCurve): StepCallback {
  return guidancePlan('guidanceCurve', { guidanceScale, guidanceCurve: curve, guidanceEnd: { kind: 'never' }, guidanceInterval: null });
}

/** Sets the scale of every step after the first from a plan. */
export function guidancePlan(name: string, plan: GuidancePlan): StepCallback {
  return {
    name,
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd: ({ numTimesteps, nextSigma }, stepIndex) =>
      nextSigma === null ? undefined : { guidanceScale: scaleForStep(plan, stepIndex + 1, numTimesteps, nextSigma) },
  };
}
