import type { Tensor } from '../tensor/tensor.ts';
import { type SchedulerConfig, spacingKeys, thresholdingKeys, trainedKeys } from './config.ts';
import { sqrt32 } from './float32.ts';
import { weightedSum } from './mix.ts';
import { bounded } from './ownEstimate.ts';
import { noState } from './savedState.ts';
import type { Scheduler, StepInput } from './scheduler.ts';
import { noiseEstimate, signalSpaceParts, trainedSignals } from './signalSpace.ts';
import { ddimTimesteps } from './timestepSpacing.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  ...thresholdingKeys,
  timestepSpacing: 'leading',
  predictionType: 'epsilon',
  clipSample: true,
  clipSampleRange: 1,
  setAlphaToOne: true,
  rescaleBetasZeroSnr: false,
} satisfies Partial<SchedulerConfig>;

/**
 * Denoising diffusion implicit models, formulas 12 and 16 of arXiv 2010.02502, as DDIMScheduler of diffusers.
 * A step goes down by one stride whatever the spacing, and x0 alone is clipped, never the noise that goes with it.
 */
export const ddim: Scheduler = {
  defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    const timesteps = ddimTimesteps(config, plan.steps);
    const signalAt = trainedSignals(config);
    const stride = Math.floor(config.numTrainTimesteps / plan.steps);
    const estimate = ({ cleanEstimate }: StepInput): Tensor => bounded(cleanEstimate, config);
    return {
      ...signalSpaceParts(timesteps, signalAt),
      ...noState,
      ...(config.clipSample || config.thresholding ? { estimate } : {}),
      step(input) {
        const { index, sample, modelOutput, noise } = input;
        const timestep = timesteps[index] ?? 0;
        const from = signalAt(timestep);
        const to = signalAt(timestep - stride);
        const variance = fround(fround(to.noiseBar / from.noiseBar) * fround(1 - fround(from.bar / to.bar)));
        const deviation = fround(fround(config.eta) * sqrt32(variance));
        // From a level without signal all that is left of the noise is fresh; rounding must not make it less than nothing.
        const direction = sqrt32(Math.max(fround(to.noiseBar - fround(deviation * deviation)), 0));
        const mean = weightedSum(
          [to.alpha, estimate(input)],
          [direction, noiseEstimate(config.predictionType, modelOutput, sample, from)],
        );
        return config.eta > 0 ? weightedSum([1, mean], [deviation, noise.normal(sample.dims)]) : mean;
      },
    };
  },
};
