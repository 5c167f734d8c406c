import { assertNever } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import { isWithinGuidance, unguidedScale } from './guidanceState.ts';

export type GuidancePlan = Pick<GenerationRequest, 'guidanceScale' | 'guidanceEnd' | 'guidanceCurve' | 'guidanceInterval'>;

/**
 * The guidance scale of a step; 1 where guidance is off. Pure: the first step, and every one after it, is asked here.
 * @param stepIndex 0-based among the `numTimesteps` steps of the run
 * @param sigma the step's noise level in sigma units
 */
export function scaleForStep(plan: GuidancePlan, stepIndex: number, numTimesteps: number, sigma: number): number {
  if (!isWithinGuidance(plan.guidanceEnd, stepIndex, numTimesteps)) return unguidedScale;
  const interval = plan.guidanceInterval;
  if (interval !== null && (sigma < interval.sigmaLow || sigma > interval.sigmaHigh)) return unguidedScale;
  return curveAt(plan, stepIndex, numTimesteps);
}

function curveAt({ guidanceScale, guidanceCurve: curve }: GuidancePlan, stepIndex: number, numTimesteps: number): number {
  // A run of one step is all start.
  const share = numTimesteps > 1 ? stepIndex / (numTimesteps - 1) : 0;
  switch (curve.kind) {
    case 'constant':
      return guidanceScale;
    case 'linear':
      return guidanceScale + (curve.to - guidanceScale) * share;
    case 'cosine':
      return guidanceScale + ((curve.to - guidanceScale) * (1 - Math.cos(Math.PI * share))) / 2;
    case 'list':
      return curve.scales[Math.min(stepIndex, curve.scales.length - 1)] ?? guidanceScale;
    default:
      return assertNever(curve);
  }
}
