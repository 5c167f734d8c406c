import { cleanEstimate } from '../../guidance/prediction.ts';
import type { NoiseSource } from '../../tensor/random.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import type { SchedulerConfig } from '../config.ts';
import type { Stepper } from '../scheduler.ts';

/** Sides of the samples in the goldens. */
export const standInShape = [1, 4, 2, 2] as const;

const { fround } = Math;
const tenth = fround(0.1);

/** The stand-in model the goldens were made with: .5 cos(i+1) + .1 clamp(x, -1, 1) of the scaled input. */
export function standInModel(scaled: Tensor): Tensor {
  return tensor(
    scaled.dims,
    scaled.data.map((x, i) => fround(0.5 * fround(Math.cos(i + 1))) + fround(tenth * Math.max(-1, Math.min(1, x)))),
  );
}

export interface StandInRun {
  readonly stepper: Stepper;
  readonly config: SchedulerConfig;
  readonly noise: NoiseSource;
  readonly sample: Tensor;
  /** Indices from..to-1 of the timesteps. */
  readonly from: number;
  readonly to: number;
}

/** The sample after every step of a run with the stand-in model, as the denoising loop would take it. */
export function standInSamples({ stepper, config, noise, sample, from, to }: StandInRun): Tensor[] {
  const samples: Tensor[] = [];
  let current = sample;
  for (let index = from; index < to; index++) {
    const modelOutput = standInModel(stepper.scaleModelInput(current, index));
    const estimate = cleanEstimate(config.predictionType, modelOutput, current, stepper.level(index));
    current = stepper.step({ index, sample: current, modelOutput, cleanEstimate: estimate, noise });
    samples.push(current);
  }
  return samples;
}
