import { StopbathError } from '../../../shared/errors.ts';
import type { SchedulerConfig } from './config.ts';
import { linspace } from './timestepSpacing.ts';

type Round = (value: number) => number;

/** Where a flow's level goes when the schedule is shifted towards noise: s*t / (1 + (s-1)*t), arXiv 2403.03206, eq. 23. */
export function flowShifted(sigma: number, shift: number, round: Round = (value) => value): number {
  return round(round(round(shift) * sigma) / round(1 + round(round(shift - 1) * sigma)));
}

/**
 * Levels of a flow from the one reached down, even before the shift as those of a whole schedule.
 * @param from where it begins, shifted
 * @param to where the level after the last one lies, unshifted
 */
export function flowTail(from: number, shift: number, to: number, steps: number): number[] {
  const start = from / (shift - (shift - 1) * from);
  return linspace(start, to, steps + 1).slice(0, -1).map((sigma, at) => (at === 0 ? from : flowShifted(sigma, shift)));
}

/** The same with a shift worked out from the picture's size: e^mu / (e^mu + 1/t - 1), or with mu itself. */
function dynamicallyShifted(sigma: number, factor: number, round: Round = (value) => value): number {
  return round(round(factor) / round(round(factor) + round(round(1 / sigma) - 1)));
}

/** Stretches the levels so that the last one is `terminal` (null and 0: leaves them). */
export function stretchedTo(sigmas: readonly number[], terminal: number | null, round: Round = (value) => value): number[] {
  if (terminal === null || terminal === 0) return [...sigmas];
  const scale = round(round(1 - (sigmas[sigmas.length - 1] ?? 0)) / round(1 - terminal));
  return sigmas.map((sigma) => round(1 - round(round(1 - sigma) / scale)));
}

/**
 * Levels shifted as the config says.
 * @param shift where shifting is not dynamic
 * @param round float32 where diffusers' array has that type
 * @throws StopbathError `INVALID_INPUT` when shifting is dynamic and nothing says how far.
 */
export function shiftedLevels(config: SchedulerConfig, shift: number, sigmas: readonly number[], round?: Round): number[] {
  if (!config.useDynamicShifting) return sigmas.map((sigma) => flowShifted(sigma, shift, round));
  if (config.mu === null) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: 'The scheduler shifts its levels by the size of the picture, and this pipeline gives it none.',
      nextStep: 'Choose another sampler, or set use_dynamic_shifting to false in scheduler_config.json.',
    });
  }
  const factor = config.timeShiftType === 'exponential' ? Math.exp(config.mu) : config.mu;
  return sigmas.map((sigma) => dynamicallyShifted(sigma, factor, round));
}

/**
 * The mu of dynamic shifting for a picture of so many latent patches: a line through the config's two points
 * (`calculate_shift` of diffusers' flow pipelines).
 */
export function dynamicShift(config: SchedulerConfig, patches: number): number {
  const slope = (config.maxShift - config.baseShift) / (config.maxImageSeqLen - config.baseImageSeqLen);
  return patches * slope + (config.baseShift - slope * config.baseImageSeqLen);
}
