import { type GuidanceEnd, guidedSteps } from '../../../shared/generation.ts';

/** At this scale or below, the unconditional half adds nothing: diffusers does not compute it either. */
export const unguidedScale = 1;

export function isGuided(scale: number): boolean {
  return scale > unguidedScale;
}

/** Whether a step lies before the point where guidance ends. */
export function isWithinGuidance(end: GuidanceEnd, stepIndex: number, numTimesteps: number): boolean {
  return stepIndex < guidedSteps(end, numTimesteps);
}
