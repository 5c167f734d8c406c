import type { Tensor } from '../tensor/tensor.ts';
import { zipTensors } from '../tensor/tensor.ts';
import { curveKeys, type SchedulerConfig, spacingKeys, trainedKeys } from './config.ts';
import { pushed, type Term, weightedSum } from './mix.ts';
import { savedTensors } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';
import { sigmaSpace, sigmaSpaceParts } from './sigmaSpace.ts';

const { fround } = Math;

const maxOrder = 4;

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  ...curveKeys,
  predictionType: 'epsilon',
} satisfies Partial<SchedulerConfig>;

/**
 * Linear multistep (Adams-Bashforth in sigma): the slope is the polynomial through up to four slopes, integrated over the
 * step. Follows LMSDiscreteScheduler of diffusers, whose order counts indices: a run that begins in the middle weighs its
 * first slopes as if the ones before them were 0.
 */
export const lms: Scheduler = {
  defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    // Its Karras levels alone take no overridden ends.
    const own = config.useKarrasSigmas ? { ...config, sigmaMin: null, sigmaMax: null } : config;
    const space = sigmaSpace(own, plan);
    const sigmaAt = (index: number): number => space.sigmas[index] ?? 0;
    let slopes: readonly Tensor[] = [];
    return {
      ...sigmaSpaceParts(space),
      step({ index, sample, cleanEstimate }) {
        const sigma = sigmaAt(index);
        slopes = pushed(slopes, zipTensors(sample, cleanEstimate, (x, x0) => fround(x - x0) / sigma), maxOrder);
        const order = Math.min(index + 1, maxOrder);
        const terms = slopes
          .toReversed()
          .slice(0, order)
          .map((slope, back): Term => [fround(lmsCoefficient(sigmaAt, order, index, back)), slope]);
        const [first, ...rest] = terms;
        return first === undefined ? sample : zipTensors(sample, weightedSum(first, ...rest), (x, change) => x + change);
      },
      snapshot: () => ({ slopes }),
      restore(state) {
        slopes = savedTensors(state, 'slopes');
      },
    };
  },
};

/**
 * The integral, from this level to the next, of the Lagrange polynomial that is 1 at the level `back` steps ago and 0 at
 * the other `order - 1`. Gauss's two points are exact for its degree of 3 at most; diffusers integrates numerically.
 */
function lmsCoefficient(sigmaAt: (index: number) => number, order: number, index: number, back: number): number {
  const from = sigmaAt(index);
  const half = (sigmaAt(index + 1) - from) / 2;
  const polynomial = (tau: number): number => {
    let product = 1;
    for (let k = 0; k < order; k++) {
      if (k !== back) product *= (tau - sigmaAt(index - k)) / (sigmaAt(index - back) - sigmaAt(index - k));
    }
    return product;
  };
  const offset = half / Math.sqrt(3);
  return half * (polynomial(from + half - offset) + polynomial(from + half + offset));
}
