import { symmetricBetaQuantile } from './betaQuantile.ts';
import type { SchedulerConfig } from './config.ts';
import { numpyLog32 } from './float32.ts';
import { linspace } from './timestepSpacing.ts';

const { fround } = Math;

/** The two ends of a curve of noise levels. */
export interface SigmaEnds {
  readonly min: number;
  readonly max: number;
}

/** Noise levels of Karras et al. (arXiv 2206.00364, eq. 5) with rho 7. */
function karrasSigmas({ min, max }: SigmaEnds, count: number): number[] {
  const from = max ** (1 / 7);
  const to = min ** (1 / 7);
  return linspace(0, 1, count).map((ramp) => (from + ramp * (to - from)) ** 7);
}

/** Even in log sigma. */
function exponentialSigmas({ min, max }: SigmaEnds, count: number): number[] {
  return linspace(Math.log(max), Math.log(min), count).map(Math.exp);
}

/** Quantiles of Beta(0.6, 0.6): close together at both ends (arXiv 2407.12173). */
function betaSigmas({ min, max }: SigmaEnds, count: number): number[] {
  return linspace(0, 1, count).map((ramp) => min + symmetricBetaQuantile(1 - ramp, 0.6) * (max - min));
}

/**
 * `count` noise levels of the curve that is switched on, from the noisiest down; null when none is.
 * @param ends taken where the config does not override them
 */
export function curvedSigmas(config: SchedulerConfig, ends: SigmaEnds, count: number): number[] | null {
  const own = { min: config.sigmaMin ?? ends.min, max: config.sigmaMax ?? ends.max };
  if (config.useKarrasSigmas) return karrasSigmas(own, count);
  if (config.useExponentialSigmas) return exponentialSigmas(own, count);
  if (config.useBetaSigmas) return betaSigmas(own, count);
  return null;
}

export function isCurved(config: SchedulerConfig): boolean {
  return config.useKarrasSigmas || config.useExponentialSigmas || config.useBetaSigmas;
}

/** Natural logarithms of trained levels, as numpy takes them. */
export function logSigmasOf(trained: Float32Array): Float32Array {
  return trained.map(numpyLog32);
}

/**
 * The fractional timestep of a noise level: linear interpolation in log sigma, clamped to the schedule's ends.
 * @param logSigmas see {@link logSigmasOf}
 * @param precision that of the array in diffusers: its curves are double, levels it was given float32
 */
export function sigmaToTimestep(
  sigma: number,
  logSigmas: Float32Array,
  precision: 'double' | 'float32' = 'double',
): number {
  const isDouble = precision === 'double';
  const round = isDouble ? (value: number) => value : fround;
  const floor = Math.max(sigma, 1e-10);
  const wanted = isDouble ? Math.log(floor) : numpyLog32(fround(floor));
  // From the noisiest down, as numpy's comparison of all has it: under zero terminal SNR the levels do not rise to the end.
  let low = logSigmas.length - 1;
  while (low > 0 && (logSigmas[low] ?? Infinity) > wanted) low--;
  low = Math.min(low, logSigmas.length - 2);
  const start = logSigmas[low] ?? 0;
  const weight = round(round(start - wanted) / fround(start - (logSigmas[low + 1] ?? 0)));
  const clamped = Math.min(Math.max(weight, 0), 1);
  return round(1 - clamped) * low + clamped * (low + 1);
}
