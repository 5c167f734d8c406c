import { StopbathError } from '../../../shared/errors.ts';
import { unguidedScale } from '../guidance/guidanceState.ts';
import type { StepCallback } from './callback.ts';

export interface CfgCutoffOptions {
  /** 0..1 of the run's steps: after the step with index trunc(T * ratio), so trunc(T * ratio) + 1 steps are guided. */
  readonly cutoffStepRatio?: number;
  /** After the step with this 0-based index, so index + 1 steps are guided. */
  readonly cutoffStepIndex?: number;
}

/**
 * diffusers' SDCFGCutoffCallback and SDXLCFGCutoffCallback for every model, batch and task: no guidance after the cutoff.
 * T is the number of steps really run, so a solver that counts both its halves counts them here too.
 * @throws StopbathError `INVALID_INPUT` unless exactly one option is given, the ratio in 0..1, the index a whole number.
 */
export function cfgCutoff({ cutoffStepRatio: ratio, cutoffStepIndex: index }: CfgCutoffOptions): StepCallback {
  if ((ratio === undefined) === (index === undefined)) {
    throw invalid('cutoffStepRatio', 'Give either cutoffStepRatio or cutoffStepIndex, not both or none.');
  }
  if (ratio !== undefined && !(ratio >= 0 && ratio <= 1)) {
    throw invalid('cutoffStepRatio', 'cutoffStepRatio must be a number from 0 to 1.');
  }
  if (index !== undefined && !(Number.isInteger(index) && index >= 0)) {
    throw invalid('cutoffStepIndex', 'cutoffStepIndex must be a whole number from 0.');
  }
  return {
    name: 'cfgCutoff',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd(run, stepIndex) {
      const cutoff = index ?? Math.trunc(run.numTimesteps * (ratio ?? 1));
      // At every later step too: another callback may have set a scale in between.
      return stepIndex >= cutoff ? { guidanceScale: unguidedScale } : undefined;
    },
  };
}

export function invalid(field: string, message: string): StopbathError {
  return new StopbathError({ code: 'INVALID_INPUT', field, message });
}
