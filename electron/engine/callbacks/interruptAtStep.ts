import type { StepCallback } from './callback.ts';
import { invalid } from './cfgCutoff.ts';

export type InterruptPoint =
  /** So many steps are run. */
  | { readonly steps: number }
  /** The step with this 0-based index is the last one, as `i == stepIndex` in a diffusers callback: `stepIndex + 1` are run. */
  | { readonly stepIndex: number };

/**
 * Ends the run there, as `stopped`; its last checkpoint holds the latents, the clean estimate and all that going on needs.
 * @throws StopbathError `INVALID_INPUT` for no whole number, or fewer steps than 1.
 */
export function interruptAtStep(point: InterruptPoint): StepCallback {
  const steps = 'steps' in point ? point.steps : point.stepIndex + 1;
  if (!Number.isInteger(steps) || steps < 1) throw invalid('steps', 'A run does one step or more before it can be interrupted.');
  return {
    name: 'interruptAtStep',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd: (_run, stepIndex) => (stepIndex + 1 >= steps ? { interrupt: true } : undefined),
  };
}
