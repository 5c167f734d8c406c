import { roundHalfEven } from '../tensor/float16.ts';
import type { SchedulerConfig } from './config.ts';

type Spaced = Pick<SchedulerConfig, 'numTrainTimesteps' | 'timestepSpacing' | 'stepsOffset'>;

/**
 * Spacings of table 2 in arXiv 2305.08891 as diffusers computes them, from the noisiest step down.
 * numpy gives one point too many for 62 step counts of `trailing`; here it is always exactly `steps`.
 * @param from the noisiest timestep plus 1; below `total` where the noisiest levels are clipped
 */
function trailing(total: number, steps: number, from = total): number[] {
  const ratio = total / steps;
  // numpy's arange steps by (start + step) - start, which decides some ties.
  const delta = from - ratio - from;
  const count = from === total ? steps : Math.ceil(from / ratio);
  return Array.from({ length: count }, (_, index) => roundHalfEven(from + index * delta) - 1);
}

function leading(total: number, points: number, steps: number, offset: number): number[] {
  const ratio = Math.floor(total / points);
  return Array.from({ length: steps }, (_, index) => (points - 1 - index) * ratio + offset);
}

/** numpy.linspace: the last point is `stop` itself. */
export function linspace(start: number, stop: number, points: number): number[] {
  const step = points > 1 ? (stop - start) / (points - 1) : 0;
  return Array.from({ length: points }, (_, index) => (index > 0 && index === points - 1 ? stop : index * step + start));
}

function linspaceDown(total: number, points: number, steps: number): number[] {
  return linspace(0, total - 1, points).reverse().slice(0, steps);
}

/** Euler family: linspace keeps its fractions (as float32). */
export function eulerTimesteps(config: Spaced, steps: number): number[] {
  const total = config.numTrainTimesteps;
  switch (config.timestepSpacing) {
    case 'linspace':
      return linspaceDown(total, steps, steps).map(Math.fround);
    case 'leading':
      return leading(total, steps, steps, config.stepsOffset);
    case 'trailing':
      return trailing(total, steps);
  }
}

/** DDIM, DDPM, PNDM: whole timesteps. */
export function ddimTimesteps(config: Spaced, steps: number): number[] {
  const total = config.numTrainTimesteps;
  if (config.timestepSpacing === 'linspace') return linspaceDown(total, steps, steps).map(roundHalfEven);
  return eulerTimesteps(config, steps);
}

/**
 * DPM-Solver, UniPC, DEIS: one point more than steps, the last (timestep 0) left out.
 * @param clipped how many of the noisiest timesteps are left out
 */
export function dpmSolverTimesteps(config: Spaced, steps: number, clipped = 0): number[] {
  const total = config.numTrainTimesteps;
  const last = total - clipped;
  switch (config.timestepSpacing) {
    case 'linspace':
      return linspaceDown(last, steps + 1, steps).map(roundHalfEven);
    case 'leading':
      return leading(last, steps + 1, steps, config.stepsOffset);
    case 'trailing':
      return trailing(total, steps, last);
  }
}

/**
 * LCM, TCD: of the timesteps the model was distilled on (`origin` of them, evenly spaced), `steps` evenly spaced ones.
 * @param steps at most `origin`
 */
export function distilledTimesteps(total: number, origin: number, steps: number): number[] {
  const ratio = Math.floor(total / origin);
  const stride = origin / steps;
  return Array.from({ length: steps }, (_, index) => (origin - Math.floor(index * stride)) * ratio - 1);
}
