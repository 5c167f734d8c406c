import type { SchedulerConfig } from './config.ts';

const { fround } = Math;

/** torch.linspace in float32: from both ends towards the middle, product and sum rounded once (a fused multiply-add). */
function linspace32(start: number, end: number, count: number): Float32Array {
  const out = new Float32Array(count);
  const first = fround(start);
  const last = fround(end);
  const step = fround(fround(last - first) / (count - 1));
  for (let index = 0; index < count; index++) {
    out[index] = index < count / 2 ? first + step * index : last - step * (count - index - 1);
  }
  return out;
}

/** Cosine schedule of Nichol and Dhariwal, betas capped at 0.999. */
function cosineBetas(count: number): Float32Array {
  const signal = (time: number): number => Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Float32Array.from({ length: count }, (_, i) => Math.min(1 - signal((i + 1) / count) / signal(i / count), 0.999));
}

function plainBetas(config: SchedulerConfig): Float32Array {
  if (config.trainedBetas !== null) return Float32Array.from(config.trainedBetas);
  switch (config.betaSchedule) {
    case 'linear':
      return linspace32(config.betaStart, config.betaEnd, config.numTrainTimesteps);
    case 'scaled_linear': {
      const roots = linspace32(Math.sqrt(config.betaStart), Math.sqrt(config.betaEnd), config.numTrainTimesteps);
      return roots.map((root) => root * root);
    }
    case 'squaredcos_cap_v2':
      return cosineBetas(config.numTrainTimesteps);
  }
}

/** torch.cumprod of float32: summed up in double precision, every result rounded. */
function cumulativeProduct(values: Float32Array): Float32Array {
  let product = 1;
  return values.map((value) => {
    product *= value;
    return product;
  });
}

/** Algorithm 1 of arXiv 2305.08891: shifts and scales sqrt(abar) so that its last value is 0. */
export function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProduct(betas.map((beta) => 1 - beta)).map(Math.sqrt);
  const first = roots[0] ?? 1;
  const last = roots[roots.length - 1] ?? 0;
  const scale = fround(first / fround(first - last));
  const bars = roots.map((root) => fround(fround(root - last) * scale) ** 2);
  return bars.map((bar, index) => 1 - (index === 0 ? bar : fround(bar / (bars[index - 1] ?? 1))));
}

/**
 * abar_t for every training timestep, float32.
 * @param terminal what stands for an abar_T of 0: sigma-space solvers cannot divide by it and use 2^-24.
 */
export function alphasCumprod(config: SchedulerConfig, terminal: number): Float32Array {
  const betas = plainBetas(config);
  if (!config.rescaleBetasZeroSnr) return cumulativeProduct(betas.map((beta) => 1 - beta));
  const bars = cumulativeProduct(rescaleZeroTerminalSnr(betas).map((beta) => 1 - beta));
  bars[bars.length - 1] = terminal;
  return bars;
}

/** The abar_T that sigma-space solvers use under zero terminal SNR; its sigma is 4096. */
export const smallestSignal = 2 ** -24;

/** sqrt((1 - abar) / abar), float32. */
export function sigmasOf(bars: Float32Array): Float32Array {
  return bars.map((bar) => Math.sqrt(fround(fround(1 - bar) / bar)));
}

/** numpy.interp over the indices of `values`; `at` within 0..length-1. */
export function interpolate(values: Float32Array, at: number): number {
  const low = Math.min(Math.floor(at), values.length - 2);
  const start = values[low] ?? 0;
  return ((values[low + 1] ?? 0) - start) * (at - low) + start;
}

/** Noise levels of Karras et al. (arXiv 2206.00364, eq. 5) with rho 7, from `max` down to `min`. */
export function karrasSigmas(min: number, max: number, count: number): number[] {
  const from = max ** (1 / 7);
  const to = min ** (1 / 7);
  return Array.from({ length: count }, (_, i) => (from + (count === 1 ? 0 : i / (count - 1)) * (to - from)) ** 7);
}

/** The fractional timestep of a noise level: linear interpolation in log sigma, clamped to the schedule's ends. */
export function sigmaToTimestep(sigma: number, logSigmas: Float32Array): number {
  const wanted = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  for (let index = 0; index < logSigmas.length && (logSigmas[index] ?? Infinity) <= wanted; index++) low = index;
  low = Math.min(low, logSigmas.length - 2);
  const start = logSigmas[low] ?? 0;
  const weight = (start - wanted) / fround(start - (logSigmas[low + 1] ?? 0));
  const clamped = Math.min(Math.max(weight, 0), 1);
  return (1 - clamped) * low + clamped * (low + 1);
}
