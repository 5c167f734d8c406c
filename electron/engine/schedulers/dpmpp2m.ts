import { StopbathError } from '../../../shared/errors.ts';
import { type Tensor, tensorFromPlain, zipTensors } from '../tensor/tensor.ts';
import { roundHalfEven } from '../tensor/float16.ts';
import type { SchedulerConfig } from './config.ts';
import {
  alphasCumprod,
  interpolate,
  karrasSigmas,
  sigmasOf,
  sigmaToTimestep,
  smallestSignal,
} from './noiseSchedule.ts';
import type { Scheduler, StepInput, Stepper } from './scheduler.ts';
import { dpmSolverTimesteps } from './timestepSpacing.ts';

const { fround, sqrt } = Math;

interface Schedule {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}

/** Karras levels span the whole trained range here, not the spaced part of it as for Euler, and timesteps are whole. */
function schedule(config: SchedulerConfig, steps: number): Schedule {
  const trained = sigmasOf(alphasCumprod(config, smallestSignal));
  const last = config.finalSigmasType === 'zero' ? 0 : (trained[0] ?? 0);
  if (config.useKarrasSigmas) {
    const sigmas = karrasSigmas(trained[0] ?? 0, trained[trained.length - 1] ?? 0, steps);
    const logSigmas = trained.map(Math.log);
    const timesteps = sigmas.map((sigma) => sigmaToTimestep(sigma, logSigmas));
    const whole = config.betaSchedule === 'squaredcos_cap_v2' ? Math.trunc : roundHalfEven;
    return { timesteps: timesteps.map(whole), sigmas: [...sigmas, last].map(fround) };
  }
  const timesteps = dpmSolverTimesteps(config, steps);
  return { timesteps, sigmas: [...timesteps.map((t) => interpolate(trained, t)), last].map(fround) };
}

interface Level {
  readonly alpha: number;
  readonly sigma: number;
  /** Half the log of the signal-to-noise ratio. */
  readonly lambda: number;
}

function levelOf(sigma: number): Level {
  const alpha = fround(1 / fround(sqrt(fround(fround(sigma * sigma) + 1))));
  const scaled = fround(sigma * alpha);
  return { alpha, sigma: scaled, lambda: fround(fround(Math.log(alpha)) - fround(Math.log(scaled))) };
}

/**
 * DPM-Solver++(2M), algorithm 2 of arXiv 2211.01095 (midpoint), as DPMSolverMultistepScheduler of diffusers: the first step
 * is of first order, and so is the last one where the last sigma is 0 or there are fewer than 15 steps.
 */
class Dpmpp2mStepper implements Stepper {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #levels: readonly Level[];
  readonly #config: SchedulerConfig;
  #previous: Tensor | null = null;

  constructor(config: SchedulerConfig, steps: number) {
    const { timesteps, sigmas } = schedule(config, steps);
    this.timesteps = timesteps;
    this.#levels = sigmas.map(levelOf);
    this.#config = config;
  }

  level(index: number): { kind: 'preserving'; alpha: number; sigma: number } {
    const { alpha, sigma } = this.#levelAt(index);
    return { kind: 'preserving', alpha, sigma };
  }

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  step({ index, sample, cleanEstimate }: StepInput): Tensor {
    const from = this.#levelAt(index);
    const to = this.#levelAt(index + 1);
    const h = fround(to.lambda - from.lambda);
    const shrink = fround(to.sigma / from.sigma);
    const gain = fround(to.alpha * fround(fround(Math.exp(-h)) - 1));
    const first = zipTensors(sample, cleanEstimate, (x, x0) => fround(shrink * x) - fround(gain * x0));
    const previous = this.#previous;
    this.#previous = cleanEstimate;
    if (previous === null || this.#isFirstOrder(index)) return first;
    const ratio = fround(fround(from.lambda - this.#levelAt(index - 1).lambda) / h);
    const slope = fround(1 / ratio);
    const half = fround(0.5 * gain);
    const correction = zipTensors(cleanEstimate, previous, (m0, m1) => half * fround(slope * fround(m0 - m1)));
    return zipTensors(first, correction, (x, change) => x - change);
  }

  snapshot(): unknown {
    return { previous: this.#previous };
  }

  restore(state: unknown): void {
    if (typeof state !== 'object' || state === null || !('previous' in state)) {
      throw new StopbathError({ code: 'INVALID_INPUT', message: 'The saved scheduler state is not readable.' });
    }
    this.#previous = state.previous === null ? null : tensorFromPlain(state.previous);
  }

  #isFirstOrder(index: number): boolean {
    const config = this.#config;
    if (config.solverOrder === 1) return true;
    if (index !== this.timesteps.length - 1) return false;
    const few = config.lowerOrderFinal && this.timesteps.length < 15;
    return config.eulerAtFinal || few || config.finalSigmasType === 'zero';
  }

  #levelAt(index: number): Level {
    return this.#levels[index] ?? { alpha: 1, sigma: 0, lambda: Infinity };
  }
}

export const dpmpp2m: Scheduler = {
  defaults: {},
  createStepper: (config, steps) => new Dpmpp2mStepper(config, steps),
};
