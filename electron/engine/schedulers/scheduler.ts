import type { NoiseLevel, PredictionType } from '../guidance/prediction.ts';
import type { NoiseSource } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { SchedulerConfig } from './config.ts';

/** What steps to take. At most one of the two lists, and only one the scheduler accepts. */
export interface StepPlan {
  /** 1 or more. With `timesteps`: their count; with `sigmas`: as many as there are levels to start a step from. */
  readonly steps: number;
  /** Whole timesteps, falling. */
  readonly timesteps?: readonly number[];
  /** Noise levels, falling; Euler: the last one is where the last step ends. */
  readonly sigmas?: readonly number[];
  /**
   * The rest of a run: the noise level it has reached, in sigma units, which the first step takes exactly; the others follow
   * the scheduler's own curve from there down. Goes with `timesteps` (from there down too), not with `sigmas`.
   */
  readonly from?: number;
}

export interface StepInput {
  /** Of the model call, 0-based in the full list, also where a run begins in its middle. */
  readonly index: number;
  readonly sample: Tensor;
  /** What the model said, guided (and rescaled). */
  readonly modelOutput: Tensor;
  /** x0 by `cleanEstimate(predictionType, modelOutput, sample, level(index))` of `guidance/prediction.ts`. */
  readonly cleanEstimate: Tensor;
  readonly noise: NoiseSource;
}

/**
 * One run of a scheduler. Its history is plain data; everything else follows from the config and the plan.
 * A run may begin at any index and may end before the list does: "no history yet" tells a first step, never index 0, and
 * what is special about the end (solver order) is decided by the full list, both as in diffusers.
 */
export interface Stepper {
  /** One entry a model call: 2N-1 for Heun and DPM2, N+1 for PNDM. Fractional for Euler with linspace spacing. */
  readonly timesteps: readonly number[];
  /** The type of diffusers' own list, which a model with an integer timestep input is given. */
  readonly timestepType: 'float32' | 'int64';
  /** Model calls a step takes, as diffusers counts: strength leaves out the first `(N - k) * order` entries. */
  readonly order: number;
  /** Standard deviation of the sample that is pure noise. */
  readonly initNoiseSigma: number;
  level(index: number): NoiseLevel;
  /** The sample as the model wants to see it. */
  scaleModelInput(sample: Tensor, index: number): Tensor;
  /** `original` noised to the level of `index`, as diffusers' add_noise does it; `timesteps.length` leaves it clean. */
  addNoise(original: Tensor, noise: Tensor, index: number): Tensor;
  /**
   * x0 where this scheduler's own differs from the one in `input` (clipped, thresholded, of another formula): what a
   * preview should show. Changes nothing; asked before `step`.
   */
  estimate?(input: StepInput): Tensor;
  /** The sample of the next model call. */
  step(input: StepInput): Tensor;
  /** Exact: a stepper that restores it goes on bit by bit the same. */
  snapshot(): unknown;
  /** @throws StopbathError `INVALID_INPUT` when `state` is no snapshot of this scheduler. */
  restore(state: unknown): void;
}

/** What steppers of one space have in common. */
export type StepperParts = Omit<Stepper, 'estimate' | 'step' | 'snapshot' | 'restore'>;

/**
 * A sampling algorithm; stateless.
 * One a file. What several share is in the file of the space they work in: `sigmaSpace.ts` (Euler, Heun, LMS, DPM2: the
 * sample grows with the noise), `signalSpace.ts` (DDIM, DDPM, PNDM, LCM, TCD: whole timesteps), `lambdaSpace.ts` (DPM++,
 * UniPC, DEIS: exponential integrators in the log signal-to-noise ratio).
 */
export interface Scheduler {
  /** Every config key its diffusers class has, with the default for files that leave it out. Other keys of a file are dropped. */
  readonly defaults: Partial<SchedulerConfig>;
  /** What the model may have been trained to say; other values of `prediction_type` are refused, as diffusers does. */
  readonly predictions: readonly PredictionType[];
  /** Which lists a plan may bring, as the `set_timesteps` of the diffusers class. */
  readonly accepts: { readonly timesteps: boolean; readonly sigmas: boolean };
  /** @throws StopbathError `INVALID_INPUT` for a plan, `MODEL_UNSUPPORTED` for a config that it cannot follow. */
  createStepper(config: SchedulerConfig, plan: StepPlan): Stepper;
}

export { sigmaOf } from '../guidance/prediction.ts';
