import type { Tensor } from '../tensor/tensor.ts';
import type { SchedulerConfig } from './config.ts';
import { exp32, sqrt32 } from './float32.ts';
import type { LambdaLevel } from './lambdaSpace.ts';
import type { Term } from './mix.ts';

const { fround } = Math;

/** Coefficients of DPM-Solver++ between two levels, h apart in lambda; float32 in diffusers' order of operations. */
export interface DpmGains {
  readonly h: number;
  /** Of the sample. */
  readonly keep: number;
  /** Of the newest estimate. */
  readonly gain: number;
  /** Of the first and second difference of the estimates, by integrating their polynomial (`heun`, third order). */
  readonly slopeWeight: number;
  readonly bendWeight: number;
  /** Of fresh noise; null where there is none. */
  readonly noise: number | null;
}

/** @param from where the step (or, in single-step solvers, the whole group of steps) begins */
export function gains(algorithm: SchedulerConfig['algorithmType'], from: LambdaLevel, to: LambdaLevel): DpmGains {
  const h = fround(to.lambda - from.lambda);
  const shrink = fround(to.sigma / from.sigma);
  if (algorithm === 'dpmsolver++') {
    const decay = fround(exp32(-h) - 1);
    const quotient = fround(decay / h);
    const bend = fround(fround(fround(decay + h) / fround(h * h)) - 0.5);
    return {
      h,
      keep: shrink,
      gain: -fround(to.alpha * decay),
      slopeWeight: fround(to.alpha * fround(quotient + 1)),
      bendWeight: -fround(to.alpha * bend),
      noise: null,
    };
  }
  const twice = fround(2 * h);
  const rise = fround(1 - exp32(-twice));
  const bend = fround(fround(fround(rise - twice) / fround(twice * twice)) - 0.5);
  return {
    h,
    keep: fround(shrink * exp32(-h)),
    gain: fround(to.alpha * rise),
    slopeWeight: fround(to.alpha * fround(fround(rise / -twice) + 1)),
    bendWeight: fround(to.alpha * bend),
    noise: fround(to.sigma * sqrt32(rise)),
  };
}

export function firstOrderTerms({ keep, gain }: DpmGains, sample: Tensor, estimate: Tensor): [Term, Term] {
  return [
    [keep, sample],
    [gain, estimate],
  ];
}

export function secondOrderWeight({ gain, slopeWeight }: DpmGains, solverType: SchedulerConfig['solverType']): number {
  return solverType === 'heun' ? slopeWeight : fround(0.5 * gain);
}

export function finalTerm({ noise }: DpmGains, drawn: Tensor | null): Term[] {
  return noise === null || drawn === null ? [] : [[noise, drawn]];
}
