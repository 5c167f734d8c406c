import { roundHalfEven } from '../tensor/float16.ts';
import type { SchedulerConfig } from './config.ts';

type Spaced = Pick<SchedulerConfig, 'numTrainTimesteps' | 'timestepSpacing' | 'stepsOffset'>;

/**
 * Spacings of table 2 in arXiv 2305.08891 as diffusers computes them, from the noisiest step down.
 * numpy gives one point too many for 62 step counts of `trailing`; here it is always exactly `steps`.
 */
function trailing(total: number, steps: number): number[] {
  const ratio = total / steps;
  // numpy's arange steps by (start + step) - start, which decides some ties.
  const delta = total - ratio - total;
  return Array.from({ length: steps }, (_, index) => roundHalfEven(total + index * delta) - 1);
}

function leading(total: number, points: number, steps: number, offset: number): number[] {
  const ratio = Math.floor(total / points);
  return Array.from({ length: steps }, (_, index) => (points - 1 - index) * ratio + offset);
}

/** numpy.linspace(0, total - 1, points), from its end. */
function linspaceDown(total: number, points: number, steps: number): number[] {
  if (points === 1) return [0];
  const step = (total - 1) / (points - 1);
  return Array.from({ length: steps }, (_, index) => (index === 0 ? total - 1 : (points - 1 - index) * step));
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

/** DDIM: whole timesteps. */
export function ddimTimesteps(config: Spaced, steps: number): number[] {
  const total = config.numTrainTimesteps;
  if (config.timestepSpacing === 'linspace') return linspaceDown(total, steps, steps).map(roundHalfEven);
  return eulerTimesteps(config, steps);
}

/** DPM-Solver: one point more than steps, the last (timestep 0) left out. */
export function dpmSolverTimesteps(config: Spaced, steps: number): number[] {
  const total = config.numTrainTimesteps;
  switch (config.timestepSpacing) {
    case 'linspace':
      return linspaceDown(total, steps + 1, steps).map(roundHalfEven);
    case 'leading':
      return leading(total, steps + 1, steps, config.stepsOffset);
    case 'trailing':
      return trailing(total, steps);
  }
}
