import { isGuided, isWithinGuidance, unguidedScale } from '../guidance/guidanceState.ts';
import type { StepCallback } from './callback.ts';
import type { RunControls } from './steering.ts';

/**
 * Ends guidance where the request, or a person since then, says. diffusers' SDCFGCutoffCallback acts when
 * `i == trunc(T * ratio)`; a cutoff moved during the run may lie behind, so here: `i` at or past it and still guided.
 * A cutoff moved ahead again switches guidance back on.
 * @param cutBefore whether guidance had already ended when the run (or its resumption) began
 */
export function cfgCutoffCallback(controls: RunControls, cutBefore: boolean): StepCallback {
  let cut = cutBefore;
  return {
    name: 'cfgCutoff',
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd(run, stepIndex) {
      if (!isWithinGuidance(controls.guidanceEnd, stepIndex + 1, run.numTimesteps)) {
        cut = true;
        // Said again at every step: another callback may have set a scale in between.
        return { guidanceScale: unguidedScale };
      }
      if (!cut) return undefined;
      cut = false;
      return isGuided(controls.guidanceScale) ? { guidanceScale: controls.guidanceScale } : undefined;
    },
  };
}
