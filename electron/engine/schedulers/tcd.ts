import { sqrt32 } from './float32.ts';
import { distilledDefaults, distilledList } from './lcm.ts';
import { weightedSum } from './mix.ts';
import { noState } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';
import { noiseEstimate, signalList, signalSpaceParts, trainedSignals } from './signalSpace.ts';

const { fround } = Math;

/**
 * Trajectory consistency distillation, strategic stochastic sampling of arXiv 2402.19159, as TCDScheduler of diffusers.
 * `eta` is the paper's gamma: 0 goes straight to the next timestep, above it the step goes lower and noise leads back.
 */
export const tcd: Scheduler = {
  defaults: distilledDefaults,
  accepts: { timesteps: true, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    const timesteps = distilledList(config, plan);
    const signalAt = trainedSignals(config);
    const list = signalList(timesteps, signalAt, plan.from);
    return {
      ...signalSpaceParts(list),
      ...noState,
      step({ index, sample, modelOutput, cleanEstimate, noise }) {
        const from = list.at(index);
        const next = timesteps[index + 1] ?? 0;
        const lower = signalAt(Math.floor(fround(fround(1 - config.eta) * next)));
        const noised = weightedSum(
          [lower.alpha, cleanEstimate],
          [lower.sigma, noiseEstimate(config.predictionType, modelOutput, sample, from)],
        );
        if (config.eta === 0 || index === timesteps.length - 1) return noised;
        const ratio = fround(signalAt(next).bar / lower.bar);
        return weightedSum([sqrt32(ratio), noised], [sqrt32(fround(1 - ratio)), noise.normal(sample.dims)]);
      },
    };
  },
};
