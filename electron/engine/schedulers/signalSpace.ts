import type { PredictionType } from '../guidance/prediction.ts';
import { type Tensor, zipTensors } from '../tensor/tensor.ts';
import type { SchedulerConfig } from './config.ts';
import { sqrt32 } from './float32.ts';
import { weightedSum } from './mix.ts';
import { alphasCumprod } from './noiseSchedule.ts';
import type { StepperParts } from './scheduler.ts';

const { fround } = Math;

/** Signal and noise of a whole training timestep: sample = alpha * x0 + sigma * noise, alpha^2 = bar. float32. */
export interface Signal {
  /** abar_t, the share of the signal in the variance. */
  readonly bar: number;
  /** 1 - abar_t. */
  readonly noiseBar: number;
  readonly alpha: number;
  readonly sigma: number;
}

export function signalOf(bar: number): Signal {
  const noiseBar = fround(1 - bar);
  return { bar, noiseBar, alpha: sqrt32(bar), sigma: sqrt32(noiseBar) };
}

/** The trained signal of a timestep; below 0: after the last step, where it is 1 or that of timestep 0. */
export function trainedSignals(config: SchedulerConfig): (timestep: number) => Signal {
  const bars = alphasCumprod(config, 0);
  const last = config.setAlphaToOne ? 1 : (bars[0] ?? 1);
  return (timestep) => signalOf(timestep < 0 ? last : (bars[Math.min(timestep, bars.length - 1)] ?? last));
}

/** Whole timesteps and the signal of each; behind the last one what is left after it. */
export interface SignalList {
  readonly timesteps: readonly number[];
  readonly at: (index: number) => Signal;
}

/**
 * The signals of a list of timesteps.
 * @param from the noise level a run has reached, in sigma units: the first signal is of that level exactly, though the model
 * is told the whole timestep nearest to it
 */
export function signalList(timesteps: readonly number[], signalAt: (timestep: number) => Signal, from: number | undefined): SignalList {
  const first = from === undefined ? null : signalOf(fround(1 / (1 + from * from)));
  return { timesteps, at: (index) => (index === 0 && first !== null ? first : signalAt(timesteps[index] ?? -1)) };
}

/** What the steppers have in common that work on whole timesteps and see the sample as it is. */
export function signalSpaceParts({ timesteps, at }: SignalList): StepperParts {
  return {
    timesteps,
    timestepType: 'int64',
    order: 1,
    initNoiseSigma: 1,
    level: (index) => ({ kind: 'preserving', alpha: at(index).alpha, sigma: at(index).sigma }),
    scaleModelInput: (sample) => sample,
    addNoise: (original, noise, index) =>
      index < timesteps.length ? weightedSum([at(index).alpha, original], [at(index).sigma, noise]) : original,
  };
}

/** The noise in a sample, from what the model said; the other half of `cleanEstimate`, rounded as diffusers rounds it. */
export function noiseEstimate(
  prediction: PredictionType,
  output: Tensor,
  sample: Tensor,
  { alpha, sigma }: Pick<Signal, 'alpha' | 'sigma'>,
): Tensor {
  switch (prediction) {
    case 'epsilon':
      return output;
    case 'v_prediction':
      return weightedSum([alpha, output], [sigma, sample]);
    case 'sample':
    case 'flow_prediction':
      return zipTensors(sample, output, (x, x0) => fround(x - fround(alpha * x0)) / sigma);
  }
}
