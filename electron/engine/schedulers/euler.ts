import { zipTensors } from '../tensor/tensor.ts';
import { eulerSigmas, scaleBySigma } from './eulerSigmas.ts';
import type { Scheduler, Stepper } from './scheduler.ts';

const { fround } = Math;

/**
 * Euler steps along the probability flow: algorithm 2 of arXiv 2206.00364 without churn.
 * Follows EulerDiscreteScheduler of diffusers 0.42, every operation rounded to float32 as there.
 */
export const euler: Scheduler = {
  defaults: {},
  createStepper(config, steps): Stepper {
    const { timesteps, sigmas, initNoiseSigma } = eulerSigmas(config, steps);
    const sigmaAt = (index: number): number => sigmas[index] ?? 0;
    return {
      timesteps,
      initNoiseSigma,
      level: (index) => ({ kind: 'exploding', sigma: sigmaAt(index) }),
      scaleModelInput: (sample, index) => scaleBySigma(sample, sigmaAt(index)),
      step({ index, sample, cleanEstimate }) {
        const sigma = sigmaAt(index);
        const dt = fround(sigmaAt(index + 1) - sigma);
        return zipTensors(sample, cleanEstimate, (x, x0) => x + fround(fround(fround(x - x0) / sigma) * dt));
      },
      snapshot: () => null,
      restore: () => undefined,
    };
  },
};
