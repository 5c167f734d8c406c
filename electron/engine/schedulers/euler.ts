import { curveKeys, type SchedulerConfig, spacingKeys, trainedKeys } from './config.ts';
import { noState } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';
import { moveFrom, sigmaSpace, sigmaSpaceParts } from './sigmaSpace.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  ...curveKeys,
  predictionType: 'epsilon',
  interpolationType: 'linear',
  timestepType: 'discrete',
  rescaleBetasZeroSnr: false,
  finalSigmasType: 'zero',
} satisfies Partial<SchedulerConfig>;

/**
 * Euler steps along the probability flow: algorithm 2 of arXiv 2206.00364 without churn.
 * Follows EulerDiscreteScheduler of diffusers 0.42, every operation rounded to float32 as there.
 */
export const euler: Scheduler = {
  defaults,
  accepts: { timesteps: true, sigmas: true },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    const space = sigmaSpace(config, plan);
    const sigmaAt = (index: number): number => space.sigmas[index] ?? 0;
    return {
      ...sigmaSpaceParts(space),
      ...noState,
      step({ index, sample, cleanEstimate }) {
        const sigma = sigmaAt(index);
        return moveFrom(sample, cleanEstimate, sigma, fround(sigmaAt(index + 1) - sigma));
      },
    };
  },
};
