import type { Tensor } from '../tensor/tensor.ts';
import { dpm2Defaults, halved, halvedParts, logMiddle } from './dpm2.ts';
import { weightedSum } from './mix.ts';
import { savedTensor } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';
import { ancestralSplit, moveAlong, moveFrom } from './sigmaSpace.ts';
import { secondHalfWithoutFirst } from './twoHalves.ts';

const { fround } = Math;

/**
 * DPM2 below the next level, and fresh noise up to it (k-diffusion `sample_dpm_2_ancestral`). Follows
 * KDPM2AncestralDiscreteScheduler of diffusers: noise is drawn after the second half of a step only.
 */
export const dpm2Ancestral: Scheduler = {
  defaults: dpm2Defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction'],
  createStepper(config, plan) {
    const space = halved(config, plan, (from, to) => logMiddle(from, ancestralSplit(from, to).down));
    let begun: Tensor | null = null;
    return {
      ...halvedParts(space),
      step({ index, sample, cleanEstimate, noise }) {
        const step = Math.floor(index / 2);
        const sigma = space.sigmas[step] ?? 0;
        const middle = space.middles[step] ?? 0;
        if (index % 2 === 0) {
          begun = sample;
          return moveFrom(sample, cleanEstimate, sigma, fround(middle - sigma));
        }
        if (begun === null) throw secondHalfWithoutFirst();
        const start = begun;
        begun = null;
        const { up, down } = ancestralSplit(sigma, space.sigmas[step + 1] ?? 0);
        const mean = moveAlong(start, sample, cleanEstimate, middle, fround(down - sigma));
        return weightedSum([1, mean], [up, noise.normal(sample.dims)]);
      },
      snapshot: () => ({ sample: begun }),
      restore(state) {
        begun = savedTensor(state, 'sample');
      },
    };
  },
};
