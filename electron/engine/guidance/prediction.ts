import { type Tensor, zipTensors } from '../tensor/tensor.ts';

const { fround, sqrt } = Math;

/** What a model was trained to say; `prediction_type` of its scheduler config. */
export type PredictionType = 'epsilon' | 'v_prediction' | 'sample' | 'flow_prediction';

/**
 * How signal and noise are mixed in a sample.
 * `exploding`: sample = x0 + sigma * noise (Euler family). `preserving`: sample = alpha * x0 + sigma * noise,
 * alpha^2 + sigma^2 = 1 (DDIM, DPM-Solver). `flow`: sample = (1 - sigma) * x0 + sigma * noise (rectified flow).
 * All rounded to float32.
 */
export type NoiseLevel =
  | { readonly kind: 'exploding'; readonly sigma: number }
  | { readonly kind: 'preserving'; readonly alpha: number; readonly sigma: number }
  | { readonly kind: 'flow'; readonly sigma: number };

/** Noise level in sigma units, noise over signal; finite even where there is no signal. */
export function sigmaOf(level: NoiseLevel): number {
  switch (level.kind) {
    case 'exploding':
      return level.sigma;
    case 'preserving':
      return level.sigma / Math.max(level.alpha, 2 ** -12);
    case 'flow':
      return level.sigma / Math.max(1 - level.sigma, 2 ** -12);
  }
}

/**
 * The clean estimate x0 from what the model said, so that no solver has to know how a model was trained.
 * @param output epsilon: the noise; v: alpha * noise - sigma * x0 (arXiv 2202.00512); sample: x0 itself;
 * flow: noise - x0 (arXiv 2209.03003)
 * @param sample the unscaled latents at `level`
 */
export function cleanEstimate(
  prediction: PredictionType,
  output: Tensor,
  sample: Tensor,
  level: NoiseLevel,
): Tensor {
  switch (prediction) {
    case 'sample':
      return output;
    case 'epsilon':
      return fromNoise(output, sample, level);
    case 'v_prediction':
      return fromVelocity(output, sample, level);
    case 'flow_prediction':
      return zipTensors(sample, output, (x, v) => x - fround(level.sigma * v));
  }
}

function fromNoise(output: Tensor, sample: Tensor, level: NoiseLevel): Tensor {
  const { sigma } = level;
  if (level.kind === 'exploding') return zipTensors(sample, output, (x, e) => x - fround(sigma * e));
  const alpha = signalOf(level);
  return zipTensors(sample, output, (x, e) => fround(x - fround(sigma * e)) / alpha);
}

function fromVelocity(output: Tensor, sample: Tensor, level: NoiseLevel): Tensor {
  const { sigma } = level;
  if (level.kind === 'exploding') {
    const variance = fround(fround(sigma * sigma) + 1);
    const share = fround(-sigma / fround(sqrt(variance)));
    return zipTensors(sample, output, (x, v) => fround(v * share) + fround(x / variance));
  }
  const alpha = signalOf(level);
  return zipTensors(sample, output, (x, v) => fround(alpha * x) - fround(sigma * v));
}

function signalOf(level: Exclude<NoiseLevel, { kind: 'exploding' }>): number {
  return level.kind === 'flow' ? fround(1 - level.sigma) : level.alpha;
}

/**
 * What the model would have said for x0 to be `estimate`: the inverse of {@link cleanEstimate}. Not rounded as anywhere else,
 * for nothing of a model is in it.
 */
export function outputFor(prediction: PredictionType, estimate: Tensor, sample: Tensor, level: NoiseLevel): Tensor {
  const { sigma } = level;
  const alpha = level.kind === 'exploding' ? 1 : level.kind === 'flow' ? 1 - sigma : level.alpha;
  switch (prediction) {
    case 'sample':
      return estimate;
    case 'epsilon':
      return zipTensors(sample, estimate, (x, x0) => (x - alpha * x0) / sigma);
    case 'v_prediction': {
      // A sample of exploding noise over this norm is the one the velocity was learned on.
      const norm = level.kind === 'exploding' ? sqrt(sigma * sigma + 1) : 1;
      return zipTensors(sample, estimate, (x, x0) => ((alpha / norm) * (x - alpha * x0)) / sigma - (sigma / norm) * x0);
    }
    case 'flow_prediction':
      return zipTensors(sample, estimate, (x, x0) => (x - x0) / sigma);
  }
}
