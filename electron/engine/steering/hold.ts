import type { EngineMessage } from '../../../shared/engineProtocol.ts';
import type { NextStep, StepEnd } from '../callbacks/callback.ts';
import type { RunControls } from '../callbacks/runControls.ts';
import type { Pauses } from './pauses.ts';

export interface HoldParts {
  readonly jobId: string;
  readonly pauses: Pauses;
  readonly controls: RunControls;
  readonly signal: AbortSignal;
  readonly emit: (message: EngineMessage) => void;
  /** Change of the clean estimate in the last step before this run; null where there was none. */
  readonly changeBefore: number | null;
  /** The time of waiting is added up here. */
  readonly waits: { ms: number };
}

/**
 * The loop's wait between two steps: tells when it begins and ends, lets what is steered meanwhile be applied at once, and
 * ends at a stop without a word, for `stopped` follows.
 */
export function createHold(parts: HoldParts): (end: StepEnd, next: NextStep) => Promise<'changed' | 'go'> {
  const { jobId, pauses, controls, signal, emit, waits } = parts;
  let { changeBefore } = parts;
  let asked = -1;
  controls.onChange(() => pauses.poke());
  return async (end, next) => {
    if (asked !== end.stepIndex) {
      asked = end.stepIndex;
      const reason = pauses.begin(end, next.guidanceScale, changeBefore);
      changeBefore = end.estimateChange;
      if (reason === null) return 'go';
      emit({ kind: 'paused', jobId, stepsDone: end.stepIndex + 1, reason });
    }
    const begun = performance.now();
    while (pauses.isHeld && !controls.hasPending && !signal.aborted) await pauses.wait(signal);
    waits.ms += performance.now() - begun;
    if (signal.aborted) return 'go';
    if (controls.hasPending) return 'changed';
    emit({ kind: 'resumed', jobId });
    return 'go';
  };
}
