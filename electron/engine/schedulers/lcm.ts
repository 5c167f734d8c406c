import { StopbathError } from '../../../shared/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type SchedulerConfig, thresholdingKeys, trainedKeys } from './config.ts';
import { sqrt32 } from './float32.ts';
import { weightedSum } from './mix.ts';
import { bounded } from './ownEstimate.ts';
import { noState } from './savedState.ts';
import type { Scheduler, StepInput, StepPlan } from './scheduler.ts';
import { signalList, signalSpaceParts, trainedSignals } from './signalSpace.ts';
import { distilledTail, timestepAt } from './tail.ts';
import { distilledTimesteps } from './timestepSpacing.ts';

const { fround } = Math;

/** Of LCM and TCD; their classes also have spacing keys, which they read nowhere. */
export const distilledDefaults = {
  ...trainedKeys,
  ...thresholdingKeys,
  betaStart: 0.00085,
  betaEnd: 0.012,
  betaSchedule: 'scaled_linear',
  predictionType: 'epsilon',
  clipSample: false,
  clipSampleRange: 1,
  setAlphaToOne: true,
  rescaleBetasZeroSnr: false,
  originalInferenceSteps: 50,
  timestepScaling: 10,
} satisfies Partial<SchedulerConfig>;

/** @throws StopbathError `INVALID_INPUT` for more steps than the model was distilled on. */
export function distilledList(config: SchedulerConfig, plan: StepPlan): readonly number[] {
  if (plan.timesteps !== undefined) return plan.timesteps;
  if (plan.from !== undefined) return distilledTail(config, timestepAt(config, plan.from), plan.steps);
  const origin = config.originalInferenceSteps;
  if (plan.steps <= origin) return distilledTimesteps(config.numTrainTimesteps, origin, plan.steps);
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'steps',
    message: `This sampler takes its steps from the ${origin} the model was distilled on.`,
    nextStep: `Set the steps to ${origin} or fewer; 4 to 8 are usual.`,
  });
}

/**
 * Latent consistency models, algorithm 3 of arXiv 2310.04378, as LCMScheduler of diffusers: the consistency function's
 * estimate is noised to the next level; the last one is the result.
 */
export const lcm: Scheduler = {
  defaults: distilledDefaults,
  accepts: { timesteps: true, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample'],
  createStepper(config, plan) {
    const timesteps = distilledList(config, plan);
    const list = signalList(timesteps, trainedSignals(config), plan.from);
    const estimate = ({ index, sample, cleanEstimate }: StepInput): Tensor => {
      const { skip, out } = boundaryScalings(timesteps[index] ?? 0, config.timestepScaling);
      return weightedSum([out, bounded(cleanEstimate, config)], [skip, sample]);
    };
    return {
      ...signalSpaceParts(list),
      ...noState,
      estimate,
      step(input) {
        const denoised = estimate(input);
        if (input.index + 1 >= timesteps.length) return denoised;
        const { alpha, sigma } = list.at(input.index + 1);
        return weightedSum([alpha, denoised], [sigma, input.noise.normal(input.sample.dims)]);
      },
    };
  },
};

/** How the consistency function keeps f(x, 0) = x; sigma_data is 1/2. */
function boundaryScalings(timestep: number, scaling: number): { skip: number; out: number } {
  const scaled = fround(timestep * fround(scaling));
  const norm = fround(fround(scaled * scaled) + 0.25);
  return { skip: fround(0.25 / norm), out: fround(scaled / sqrt32(norm)) };
}
