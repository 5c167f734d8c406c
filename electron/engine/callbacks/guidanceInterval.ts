import type { GuidanceInterval } from '../../../shared/generation.ts';
import type { StepCallback } from './callback.ts';
import { invalid } from './cfgCutoff.ts';
import { guidancePlan } from './guidanceCurve.ts';

/**
 * Guides with `guidanceScale` while the noise level lies within the interval, both ends included (arXiv 2404.07724). The
 * first step is guided as the request says: give it a guidanceScale of 1 where the interval begins later.
 * @param interval in sigma units, sqrt((1 - abar) / abar)
 * @throws StopbathError `INVALID_INPUT` for an interval whose ends are swapped or below 0.
 */
export function guidanceInterval(guidanceScale: number, interval: GuidanceInterval): StepCallback {
  const { sigmaLow, sigmaHigh } = interval;
  if (!(sigmaLow >= 0 && sigmaLow <= sigmaHigh)) throw invalid('sigmaHigh', 'The interval needs 0 <= sigmaLow <= sigmaHigh.');
  return guidancePlan('guidanceInterval', {
    guidanceScale,
    guidanceInterval: interval,
    guidanceCurve: { kind: 'constant' },
    guidanceEnd: { kind: 'never' },
  });
}
