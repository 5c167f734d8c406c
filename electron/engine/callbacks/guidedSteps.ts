import { unguidedScale } from '../guidance/guidanceState.ts';
import type { StepCallback } from './callback.ts';
import { invalid } from './cfgCutoff.ts';

/**
 * Guides exactly the first `steps` steps, as diffusers' modular guiders count: one fewer than `cfgCutoff` with that index.
 * @throws StopbathError `INVALID_INPUT` below 1: a callback first speaks when a step is done. Ask for a guidanceScale of 1 then.
 */
export function guidedSteps(steps: number): StepCallback {
  if (!Number.isInteger(steps) || steps < 1) throw invalid('steps', 'steps must be a whole number from 1.');
  return {
    name: 'guidedSteps',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd: (_run, stepIndex) => (stepIndex + 1 >= steps ? { guidanceScale: unguidedScale } : undefined),
  };
}
