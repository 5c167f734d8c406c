import { type SchedulerConfig, spacingKeys, trainedKeys } from './config.ts';
import { weightedSum } from './mix.ts';
import { noState } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';
import { ancestralSplit, moveFrom, sigmaSpace, sigmaSpaceParts } from './sigmaSpace.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  predictionType: 'epsilon',
  rescaleBetasZeroSnr: false,
} satisfies Partial<SchedulerConfig>;

/**
 * Euler steps below the next noise level, and fresh noise up to it (k-diffusion `sample_euler_ancestral`); follows
 * EulerAncestralDiscreteScheduler of diffusers.
 * Noise is drawn on the last step too, scaled by 0: leaving it out would change a shared generator's stream.
 */
export const eulerAncestral: Scheduler = {
  defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction'],
  createStepper(config, plan) {
    const space = sigmaSpace(config, plan);
    const sigmaAt = (index: number): number => space.sigmas[index] ?? 0;
    return {
      ...sigmaSpaceParts(space),
      ...noState,
      step({ index, sample, cleanEstimate, noise }) {
        const sigma = sigmaAt(index);
        const { up, down } = ancestralSplit(sigma, sigmaAt(index + 1));
        const mean = moveFrom(sample, cleanEstimate, sigma, fround(down - sigma));
        return weightedSum([1, mean], [up, noise.normal(sample.dims)]);
      },
    };
  },
};
