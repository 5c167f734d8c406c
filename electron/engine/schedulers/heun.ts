import { type Tensor, zipTensors } from '../tensor/tensor.ts';
import { curveKeys, type SchedulerConfig, spacingKeys, trainedKeys } from './config.ts';
import { clipped } from './ownEstimate.ts';
import { savedTensor } from './savedState.ts';
import type { Scheduler, StepInput } from './scheduler.ts';
import { sigmaSpace, sigmaSpaceParts } from './sigmaSpace.ts';
import { secondHalfWithoutFirst } from './twoHalves.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  betaStart: 0.00085,
  betaEnd: 0.012,
  ...spacingKeys,
  ...curveKeys,
  predictionType: 'epsilon',
  clipSample: false,
  clipSampleRange: 1,
} satisfies Partial<SchedulerConfig>;

/**
 * Heun's method: an Euler step to the next level, and from where it began a step along the mean of both slopes
 * (algorithm 2 of arXiv 2206.00364 without churn). Follows HeunDiscreteScheduler of diffusers.
 * Model calls alternate: even indices predict, odd ones correct; the step to sigma 0 is Euler's alone.
 */
export const heun: Scheduler = {
  defaults,
  accepts: { timesteps: true, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    const single = sigmaSpace(config, plan);
    const doubled = <T>(list: readonly T[]): T[] => list.flatMap((item, at) => (at === 0 ? [item] : [item, item]));
    const space = { ...single, timesteps: doubled(single.timesteps), sigmas: doubled(single.sigmas) };
    const sigmaAt = (index: number): number => space.sigmas[index] ?? 0;
    const estimate = ({ cleanEstimate }: StepInput): Tensor =>
      config.clipSample ? clipped(cleanEstimate, config.clipSampleRange) : cleanEstimate;
    let begun: { readonly sample: Tensor; readonly slope: Tensor } | null = null;
    return {
      ...sigmaSpaceParts(space),
      order: 2,
      ...(config.clipSample ? { estimate } : {}),
      step(input) {
        const { index, sample } = input;
        const sigma = sigmaAt(index);
        const slope = zipTensors(sample, estimate(input), (x, x0) => fround(x - x0) / sigma);
        if (index % 2 === 0) {
          const dt = fround(sigmaAt(index + 1) - sigma);
          begun = { sample, slope };
          return zipTensors(sample, slope, (x, d) => x + fround(d * dt));
        }
        if (begun === null) throw secondHalfWithoutFirst();
        const dt = fround(sigma - sigmaAt(index - 1));
        const mean = zipTensors(begun.slope, slope, (first, second) => fround(first + second) / 2);
        const start = begun.sample;
        begun = null;
        return zipTensors(start, mean, (x, d) => x + fround(d * dt));
      },
      snapshot: () => ({ sample: begun?.sample ?? null, slope: begun?.slope ?? null }),
      restore(state) {
        const sample = savedTensor(state, 'sample');
        const slope = savedTensor(state, 'slope');
        begun = sample === null || slope === null ? null : { sample, slope };
      },
    };
  },
};
