import type { Tensor } from '../tensor/tensor.ts';
import { type SchedulerConfig, spacingKeys, thresholdingKeys, trainedKeys } from './config.ts';
import { exp32, log32, sqrt32 } from './float32.ts';
import { weightedSum } from './mix.ts';
import { bounded } from './ownEstimate.ts';
import { noState } from './savedState.ts';
import type { Scheduler, StepInput } from './scheduler.ts';
import { type Signal, signalList, signalSpaceParts, trainedSignals } from './signalSpace.ts';
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
  varianceType: 'fixed_small',
  rescaleBetasZeroSnr: false,
} satisfies Partial<SchedulerConfig>;

/**
 * Ancestral sampling of arXiv 2006.11239, formula 7, between the timesteps of the list, as DDPMScheduler of diffusers.
 * Noise is drawn at every timestep above 0.
 */
export const ddpm: Scheduler = {
  defaults,
  accepts: { timesteps: true, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    const own = plan.from === undefined ? ddimTimesteps(config, plan.steps) : wholeTail(config, timestepAt(config, plan.from), plan.steps);
    const list = signalList(plan.timesteps ?? own, trainedSignals(config), plan.from);
    const estimate = ({ cleanEstimate }: StepInput): Tensor => bounded(cleanEstimate, config);
    return {
      ...signalSpaceParts(list),
      ...noState,
      ...(config.clipSample || config.thresholding ? { estimate } : {}),
      step(input) {
        const { index, sample, noise } = input;
        const timestep = list.timesteps[index] ?? 0;
        const from = list.at(index);
        const to = list.at(index + 1);
        const kept = fround(from.bar / to.bar);
        const beta = fround(1 - kept);
        const mean = weightedSum(
          [fround(fround(to.alpha * beta) / from.noiseBar), estimate(input)],
          [fround(fround(sqrt32(kept) * to.noiseBar) / from.noiseBar), sample],
        );
        if (timestep <= 0) return mean;
        return weightedSum([1, mean], [deviation(config, from, to, beta), noise.normal(sample.dims)]);
      },
    };
  },
};

/** Standard deviation of the fresh noise. */
function deviation(config: SchedulerConfig, from: Signal, to: Signal, beta: number): number {
  const least = fround(1e-20);
  const small = Math.max(fround(fround(to.noiseBar / from.noiseBar) * beta), least);
  switch (config.varianceType) {
    case 'fixed_small':
      return sqrt32(small);
    case 'fixed_small_log':
      return exp32(fround(0.5 * log32(small)));
    case 'fixed_large':
      return sqrt32(beta);
  }
}
