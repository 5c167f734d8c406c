import type { NoiseLevel } from '../guidance/prediction.ts';
import { zipTensors } from '../tensor/tensor.ts';
import { alphasCumprod } from './noiseSchedule.ts';
import type { Scheduler, Stepper } from './scheduler.ts';
import { ddimTimesteps } from './timestepSpacing.ts';

const { fround, sqrt } = Math;

/**
 * Denoising diffusion implicit models, formulas 12 and 16 of arXiv 2010.02502, as DDIMScheduler of diffusers.
 * Clipping of x0 is left out: Stable Diffusion pipelines switch it off.
 */
export const ddim: Scheduler = {
  defaults: { timestepSpacing: 'leading' },
  createStepper(config, steps): Stepper {
    const timesteps = ddimTimesteps(config, steps);
    const bars = alphasCumprod(config, 0);
    const last = config.setAlphaToOne ? 1 : (bars[0] ?? 1);
    const stride = Math.floor(config.numTrainTimesteps / steps);
    const barAt = (timestep: number): number => (timestep >= 0 ? (bars[timestep] ?? last) : last);
    const levelAt = (index: number): Extract<NoiseLevel, { kind: 'preserving' }> => {
      const bar = barAt(timesteps[index] ?? 0);
      return { kind: 'preserving', alpha: fround(sqrt(bar)), sigma: fround(sqrt(fround(1 - bar))) };
    };
    return {
      timesteps,
      initNoiseSigma: 1,
      level: levelAt,
      scaleModelInput: (sample) => sample,
      step({ index, sample, cleanEstimate, noise }) {
        const { alpha, sigma } = levelAt(index);
        const timestep = timesteps[index] ?? 0;
        const bar = barAt(timestep);
        // One stride down, whatever the spacing, as diffusers does.
        const next = barAt(timestep - stride);
        const deviation = config.eta * sqrt(((1 - next) / (1 - bar)) * (1 - bar / next));
        const keep = fround(sqrt(next));
        const direction = fround(sqrt(fround(1 - next - deviation * deviation)));
        const mean = zipTensors(
          sample,
          cleanEstimate,
          (x, x0) => fround(keep * x0) + fround(direction * fround((x - alpha * x0) / sigma)),
        );
        if (config.eta === 0) return mean;
        return zipTensors(mean, noise.normal(sample.dims), (x, n) => x + fround(fround(deviation) * n));
      },
      snapshot: () => null,
      restore: () => undefined,
    };
  },
};
