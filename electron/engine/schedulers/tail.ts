import { StopbathError } from '../../../shared/errors.ts';
import { roundHalfEven } from '../tensor/float16.ts';
import type { SchedulerConfig } from './config.ts';
import { trainedSigmas } from './noiseSchedule.ts';
import { logSigmasOf, sigmaToTimestep } from './sigmaCurves.ts';
import { linspace } from './timestepSpacing.ts';

/** The rest of a run, re-planned from the noise level it has reached: see `StepPlan.from`. */

/** As near a whole timestep as this is the whole timestep, seen through the logarithms of float32 levels. */
const nearlyWhole = 1e-2;

/** The fractional timestep of a noise level in sigma units. */
export function timestepAt(config: SchedulerConfig, sigma: number): number {
  const timestep = sigmaToTimestep(sigma, logSigmasOf(trainedSigmas(config)));
  return Math.abs(timestep - Math.round(timestep)) < nearlyWhole ? Math.round(timestep) : timestep;
}

/**
 * What the spacing of a whole schedule leaves below a timestep when it is cut there, for any number of steps.
 * @param ends whether linspace and leading lists reach their lowest timestep, as the Euler family's and DDIM's do, or stop one
 * step short of it, as DPM-Solver's
 */
export function tailTimesteps(
  { timestepSpacing, stepsOffset }: Pick<SchedulerConfig, 'timestepSpacing' | 'stepsOffset'>,
  from: number,
  steps: number,
  ends: 'reached' | 'short',
): number[] {
  const points = ends === 'reached' ? steps : steps + 1;
  switch (timestepSpacing) {
    case 'linspace':
      return linspace(from, 0, points).slice(0, steps);
    case 'leading':
      return linspace(from, Math.min(stepsOffset, from), points).slice(0, steps);
    case 'trailing':
      return Array.from({ length: steps }, (_, index) => from - (index * (from + 1)) / steps);
  }
}

/**
 * The same for schedulers of whole timesteps.
 * @throws StopbathError `INVALID_INPUT` where fewer whole timesteps are left than steps.
 */
export function wholeTail(config: SchedulerConfig, from: number, steps: number): number[] {
  const list = tailTimesteps(config, Math.round(from), steps, 'reached').map(roundHalfEven);
  requireFalling(list, steps);
  return list;
}

/** Of the timesteps a model was distilled on, `steps` from the one it has reached down, evenly. */
export function distilledTail(config: SchedulerConfig, from: number, steps: number): number[] {
  const ratio = Math.floor(config.numTrainTimesteps / config.originalInferenceSteps);
  const start = Math.round(from);
  const below = Array.from({ length: config.originalInferenceSteps }, (_, index) => (config.originalInferenceSteps - index) * ratio - 1);
  const left = [start, ...below.filter((timestep) => timestep < start)];
  if (steps > left.length) throw tooFew(left.length);
  return Array.from({ length: steps }, (_, index) => left[Math.floor((index * left.length) / steps)] ?? 0);
}

/** @throws StopbathError `INVALID_INPUT` for levels that do not fall: too many steps for what is left. */
export function requireFalling(levels: readonly number[], steps: number): void {
  const rises = levels.findIndex((level, at) => at > 0 && !(level < (levels[at - 1] ?? Infinity)));
  if (rises >= 0) throw tooFew(Math.min(rises, steps - 1));
}

function tooFew(most: number): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'tail.steps',
    message: 'tail.steps: So little noise is left that this sampler cannot divide it into so many steps.',
    nextStep: `Finish in ${Math.max(1, most)} steps or fewer, or with Euler or DPM++, which know levels between the trained ones.`,
  });
}

/** @throws StopbathError `INVALID_INPUT` for schedules whose levels depend on how many steps the whole run has. */
export function refuseTail(what: string): never {
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'tail',
    message: `tail: ${what} cannot be planned anew from the middle of a run.`,
    nextStep: 'Choose another sampler for the rest of the run.',
  });
}
