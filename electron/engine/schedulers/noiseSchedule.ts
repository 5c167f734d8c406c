import type { SchedulerConfig } from './config.ts';
import { linspace32 } from './float32.ts';

const { fround } = Math;

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
function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
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

/** The noise levels a model was trained on, sigma of timestep 0 first, as solvers in sigma space see them. */
export function trainedSigmas(config: SchedulerConfig): Float32Array {
  return sigmasOf(alphasCumprod(config, smallestSignal));
}

/** numpy.interp over the indices of `values`; beyond its ends the values there. */
export function interpolate(values: Float32Array, at: number): number {
  const last = values.length - 1;
  if (at >= last) return values[last] ?? 0;
  if (at <= 0) return values[0] ?? 0;
  const low = Math.floor(at);
  const start = values[low] ?? 0;
  return ((values[low + 1] ?? 0) - start) * (at - low) + start;
}
