import { mapTensor, type Tensor } from '../tensor/tensor.ts';
import type { SchedulerConfig } from './config.ts';
import {
  alphasCumprod,
  interpolate,
  karrasSigmas,
  sigmasOf,
  sigmaToTimestep,
  smallestSignal,
} from './noiseSchedule.ts';
import { eulerTimesteps } from './timestepSpacing.ts';

const { fround } = Math;

/** The noise levels of a run in sigma space. */
export interface EulerSigmas {
  readonly timesteps: readonly number[];
  /** One more than timesteps; the last is 0, or the level of timestep 0. */
  readonly sigmas: readonly number[];
  readonly initNoiseSigma: number;
}

export function eulerSigmas(config: SchedulerConfig, steps: number): EulerSigmas {
  const trained = sigmasOf(alphasCumprod(config, smallestSignal));
  let timesteps = eulerTimesteps(config, steps);
  let sigmas = timesteps.map((timestep) => interpolate(trained, timestep));
  if (config.useKarrasSigmas) {
    sigmas = karrasSigmas(sigmas[steps - 1] ?? 0, sigmas[0] ?? 0, steps);
    const logSigmas = trained.map(Math.log);
    timesteps = sigmas.map((sigma) => fround(sigmaToTimestep(sigma, logSigmas)));
  }
  const last = config.finalSigmasType === 'zero' ? 0 : (trained[0] ?? 0);
  const rounded = [...sigmas, last].map(fround);
  const max = Math.max(...rounded);
  return {
    timesteps,
    sigmas: rounded,
    initNoiseSigma: config.timestepSpacing === 'leading' ? fround(Math.sqrt(fround(fround(max * max) + 1))) : max,
  };
}

/** The sample divided by sqrt(sigma^2 + 1): unit variance, as the model was trained. */
export function scaleBySigma(sample: Tensor, sigma: number): Tensor {
  const root = fround(Math.sqrt(fround(fround(sigma * sigma) + 1)));
  return mapTensor(sample, (value) => value / root);
}
