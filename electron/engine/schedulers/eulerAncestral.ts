import { zipTensors } from '../tensor/tensor.ts';
import { eulerSigmas, scaleBySigma } from './eulerSigmas.ts';
import type { Scheduler, Stepper } from './scheduler.ts';

const { fround } = Math;

/**
 * Euler steps below the next noise level, and fresh noise up to it (k-diffusion `sample_euler_ancestral`).
 * Noise is drawn on the last step too, scaled by 0: leaving it out would change a shared generator's stream.
 */
export const eulerAncestral: Scheduler = {
  defaults: {},
  createStepper(config, steps): Stepper {
    const plain = { ...config, useKarrasSigmas: false, finalSigmasType: 'zero' as const };
    const { timesteps, sigmas, initNoiseSigma } = eulerSigmas(plain, steps);
    const sigmaAt = (index: number): number => sigmas[index] ?? 0;
    return {
      timesteps,
      initNoiseSigma,
      level: (index) => ({ kind: 'exploding', sigma: sigmaAt(index) }),
      scaleModelInput: (sample, index) => scaleBySigma(sample, sigmaAt(index)),
      step({ index, sample, cleanEstimate, noise }) {
        const sigma = sigmaAt(index);
        const { up, down } = ancestralSplit(sigma, sigmaAt(index + 1));
        const dt = fround(down - sigma);
        const mean = zipTensors(sample, cleanEstimate, (x, x0) => x + fround(fround(fround(x - x0) / sigma) * dt));
        return zipTensors(mean, noise.normal(sample.dims), (x, n) => x + fround(n * up));
      },
      snapshot: () => null,
      restore: () => undefined,
    };
  },
};

/** up^2 + down^2 = to^2, with as much fresh noise as the forward process would have added. */
function ancestralSplit(from: number, to: number): { up: number; down: number } {
  const from2 = fround(from * from);
  const to2 = fround(to * to);
  const up = fround(Math.sqrt(fround(fround(to2 * fround(from2 - to2)) / from2)));
  return { up, down: fround(Math.sqrt(fround(to2 - fround(up * up)))) };
}
