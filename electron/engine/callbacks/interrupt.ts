import type { StepCallback } from './callback.ts';

/**
 * Interrupts at the end of the step with this index, so `stepIndex + 1` steps run: diffusers' "stop after 10 steps" sample
 * with `i == 10` runs 11.
 */
export function interruptAfterStep(stepIndex: number): StepCallback {
  return {
    name: 'interrupt',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd: (_run, index) => (index >= stepIndex ? { interrupt: true } : undefined),
  };
}
