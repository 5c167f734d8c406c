import { roundHalfEven } from '../tensor/float16.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { curveKeys, type SchedulerConfig, spacingKeys, trainedKeys } from './config.ts';
import { exp32, log32 } from './float32.ts';
import { trainedSigmas } from './noiseSchedule.ts';
import { savedTensor } from './savedState.ts';
import type { Scheduler, StepPlan, StepperParts } from './scheduler.ts';
import { logSigmasOf, sigmaToTimestep } from './sigmaCurves.ts';
import { moveAlong, moveFrom, scaleBySigma, type SigmaSpace, sigmaSpace, sigmaSpaceParts } from './sigmaSpace.ts';
import { secondHalfWithoutFirst } from './twoHalves.ts';

const { fround } = Math;

export const dpm2Defaults = {
  ...trainedKeys,
  betaStart: 0.00085,
  betaEnd: 0.012,
  ...spacingKeys,
  ...curveKeys,
  predictionType: 'epsilon',
} satisfies Partial<SchedulerConfig>;

/** Levels and the points between them, for solvers that call the model at both. */
export interface Halved {
  /** t0, then the timestep of the point between and of the next level, in turn. */
  readonly timesteps: readonly number[];
  /** One a step, and 0. */
  readonly sigmas: readonly number[];
  /** The level of the second model call of each step. */
  readonly middles: readonly number[];
  readonly initNoiseSigma: number;
}

/** Karras timesteps are whole here. */
function kdpmSpace(config: SchedulerConfig, plan: StepPlan): SigmaSpace {
  const space = sigmaSpace(config, plan);
  return config.useKarrasSigmas ? { ...space, timesteps: space.timesteps.map(roundHalfEven) } : space;
}

/** @param middleOf the level between two, in float32 */
export function halved(config: SchedulerConfig, plan: StepPlan, middleOf: (from: number, to: number) => number): Halved {
  const { timesteps, sigmas, initNoiseSigma } = kdpmSpace(config, plan);
  const logSigmas = logSigmasOf(trainedSigmas(config));
  const middles = timesteps.map((_, step) =>
    step + 1 < timesteps.length ? middleOf(sigmas[step] ?? 0, sigmas[step + 1] ?? 0) : 0,
  );
  const between = middles.map((sigma) => fround(sigmaToTimestep(sigma, logSigmas, 'float32')));
  return {
    timesteps: timesteps.flatMap((timestep, step) => (step === 0 ? [timestep] : [between[step - 1] ?? 0, timestep])),
    sigmas,
    middles,
    initNoiseSigma,
  };
}

/** torch.lerp of the logarithms with weight 1/2, in float32. */
export function logMiddle(from: number, to: number): number {
  const end = log32(to);
  return exp32(fround(end - fround(fround(end - log32(from)) * 0.5)));
}

/**
 * The members of {@link Stepper} that DPM2 and its ancestral twin share: even indices are at a level, odd ones between two.
 * Noise is added at the level diffusers' list has for the index, which between two levels is the lower one.
 */
export function halvedParts({ timesteps, sigmas, middles, initNoiseSigma }: Halved): StepperParts {
  const doubled = sigmas.flatMap((sigma, at) => (at === 0 ? [sigma] : [sigma, sigma]));
  const sigmaAt = (index: number): number => (index % 2 === 0 ? sigmas[index / 2] : middles[(index - 1) / 2]) ?? 0;
  return {
    ...sigmaSpaceParts({ timesteps, sigmas: doubled, initNoiseSigma }),
    order: 2,
    level: (index) => ({ kind: 'exploding', sigma: sigmaAt(index) }),
    scaleModelInput: (sample, index) => scaleBySigma(sample, sigmaAt(index)),
  };
}

/**
 * DPM-Solver-2 in sigma space (algorithm 2 of arXiv 2206.00364 as k-diffusion's `sample_dpm_2` varies it): the slope of
 * the whole step is taken at the level halfway in log sigma. Follows KDPM2DiscreteScheduler of diffusers.
 */
export const dpm2: Scheduler = {
  defaults: dpm2Defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction'],
  createStepper(config, plan) {
    // From the next level towards this one: diffusers' lerp, which rounds differently the other way round.
    const space = halved(config, plan, (from, to) => logMiddle(to, from));
    let begun: Tensor | null = null;
    return {
      ...halvedParts(space),
      step({ index, sample, cleanEstimate }) {
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
        return moveAlong(start, sample, cleanEstimate, middle, fround((space.sigmas[step + 1] ?? 0) - sigma));
      },
      snapshot: () => ({ sample: begun }),
      restore(state) {
        begun = savedTensor(state, 'sample');
      },
    };
  },
};
