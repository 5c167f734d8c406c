import { StopbathError } from '../../../shared/errors.ts';
import { roundHalfEven } from '../tensor/float16.ts';
import type { SchedulerConfig } from './config.ts';
import { trainedSigmas } from './noiseSchedule.ts';
import { logSigmasOf, sigmaToTimestep } from './sigmaCurves.ts';
import { requireFalling } from './tail.ts';
import { linspace } from './timestepSpacing.ts';

/** Latent diffusion families that have a list of their own. */
export type AysFamily = 'sd' | 'sdxl';

/** Ten steps, from `AysSchedules` of diffusers. */
const timesteps: Record<AysFamily, readonly number[]> = {
  sd: [999, 850, 736, 645, 545, 455, 343, 233, 124, 24],
  sdxl: [999, 845, 730, 587, 443, 310, 193, 116, 53, 13],
};

/** The same as noise levels, and where the tenth step would end if it did not go to 0 (sigma of timestep 0). */
const sigmas: Record<AysFamily, readonly number[]> = {
  sd: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
  sdxl: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029],
};

/**
 * Timesteps of Align Your Steps (arXiv 2404.14507). For other counts than ten the authors interpolate the logarithms of the
 * eleven noise levels evenly (their `loglinear_interp`; ComfyUI's AlignYourStepsScheduler does it too); the levels are then
 * looked up among the model's trained ones.
 * @param reached where the list is to begin, in sigma units; left out: at the noisiest level
 * @throws StopbathError `INVALID_INPUT` naming `steps`, or `tail.steps` of what is left of a run, where whole timesteps repeat
 * (never below 60 steps of a whole run).
 */
export function alignedTimesteps(config: SchedulerConfig, family: AysFamily, steps: number, reached?: number): number[] {
  if (steps === timesteps[family].length && reached === undefined) return [...timesteps[family]];
  const logs = sigmas[family].map(Math.log);
  const logSigmas = logSigmasOf(trainedSigmas(config));
  const wanted = linspace(reached === undefined ? 0 : placeOf(Math.log(reached), logs), logs.length - 1, steps + 1).slice(0, -1);
  const list = wanted.map((at) => {
    const low = Math.min(Math.floor(at), logs.length - 2);
    const from = logs[low] ?? 0;
    return roundHalfEven(sigmaToTimestep(Math.exp(from + ((logs[low + 1] ?? 0) - from) * (at - low)), logSigmas));
  });
  if (reached !== undefined) requireFalling(list, steps);
  if (list.every((timestep, at) => timestep < (list[at - 1] ?? Infinity))) return list;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'steps',
    message: `Align Your Steps is made for few steps; ${steps} of them repeat timesteps.`,
    nextStep: 'Set fewer steps (10 to 30 are usual), or another schedule.',
  });
}

/** The fractional place of a level among falling ones; of one that is above them all the first. */
function placeOf(log: number, logs: readonly number[]): number {
  const low = Math.max(0, logs.findIndex((level) => level <= log) - 1);
  const from = logs[low] ?? 0;
  return log >= from ? low : low + (from - log) / (from - (logs[low + 1] ?? 0));
}
