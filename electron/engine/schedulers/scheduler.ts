import type { NoiseLevel } from '../guidance/prediction.ts';
import type { NoiseSource } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { SchedulerConfig } from './config.ts';

export interface StepInput {
  /** 0-based. */
  readonly index: number;
  readonly sample: Tensor;
  /** The clean estimate x0 at this step, from `guidance/prediction.ts`. */
  readonly cleanEstimate: Tensor;
  readonly noise: NoiseSource;
}

/** One run of a scheduler. Its history is plain data; everything else follows from the config and the step count. */
export interface Stepper {
  /** Fractional for Euler with linspace spacing. */
  readonly timesteps: readonly number[];
  /** Standard deviation of the sample that is pure noise. */
  readonly initNoiseSigma: number;
  level(index: number): NoiseLevel;
  /** The sample as the model wants to see it. */
  scaleModelInput(sample: Tensor, index: number): Tensor;
  /** The sample of the next step. */
  step(input: StepInput): Tensor;
  /** Exact: a stepper that restores it goes on bit by bit the same. */
  snapshot(): unknown;
  /** @throws StopbathError `INVALID_INPUT` when `state` is no snapshot of this scheduler. */
  restore(state: unknown): void;
}

/** A sampling algorithm; stateless. */
export interface Scheduler {
  /** The defaults its diffusers class has for config keys a model's file leaves out. */
  readonly defaults: Partial<SchedulerConfig>;
  /** @param steps 1 or more */
  createStepper(config: SchedulerConfig, steps: number): Stepper;
}

/** Noise level in sigma units, sqrt((1 - abar) / abar); finite even where abar is 0. */
export function sigmaOf(level: NoiseLevel): number {
  if (level.kind === 'exploding') return level.sigma;
  return level.sigma / Math.max(level.alpha, 2 ** -12);
}
