import type { Tensor } from '../tensor/tensor.ts';
import { type SchedulerConfig, spacingKeys, thresholdingKeys, trainedKeys } from './config.ts';
import { sqrt32 } from './float32.ts';
import { weightedSum } from './mix.ts';
import { bounded } from './ownEstimate.ts';
import { noState } from './savedState.ts';
import type { Scheduler, StepInput } from './scheduler.ts';
import { noiseEstimate, signalList, signalSpaceParts, trainedSignals } from './signalSpace.ts';
import { timestepAt, wholeTail } from './tail.ts';
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
 * A step goes down by one stride whatever the spacing (in the rest of a run that was planned anew: to the next timestep), and x0 alone is clipped, never the noise that goes with it.
 */
export const ddim: Scheduler = {
  defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    const signalAt = trainedSignals(config);
    const { from } = plan;
    const isTail = from !== undefined;
    const list = signalList(isTail ? wholeTail(config, timestepAt(config, from), plan.steps) : ddimTimesteps(config, plan.steps), signalAt, from);
    const stride = Math.floor(config.numTrainTimesteps / plan.steps);
    const estimate = ({ cleanEstimate }: StepInput): Tensor => bounded(cleanEstimate, config);
    return {
      ...signalSpaceParts(list),
      ...noState,
      ...(config.clipSample || config.thresholding ? { estimate } : {}),
      step(input) {
        const { index, sample, modelOutput, noise } = input;
        const now = list.at(index);
        const to = isTail ? list.at(index + 1) : signalAt((list.timesteps[index] ?? 0) - stride);
        const variance = fround(fround(to.noiseBar / now.noiseBar) * fround(1 - fround(now.bar / to.bar)));
        const deviation = fround(fround(config.eta) * sqrt32(variance));
        // From a level without signal all that is left of the noise is fresh; rounding must not make it less than nothing.
        const direction = sqrt32(Math.max(fround(to.noiseBar - fround(deviation * deviation)), 0));
        const mean = weightedSum(
          [to.alpha, estimate(input)],
          [direction, noiseEstimate(config.predictionType, modelOutput, sample, now)],
        );
        return config.eta > 0 ? weightedSum([1, mean], [deviation, noise.normal(sample.dims)]) : mean;
      },
    };
  },
};
