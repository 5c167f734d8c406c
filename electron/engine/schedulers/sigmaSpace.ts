import { mapTensor, type Tensor, zipTensors } from '../tensor/tensor.ts';
import type { SchedulerConfig } from './config.ts';
import { exp32, linspace32, log32, sqrt32 } from './float32.ts';
import { interpolate, trainedSigmas } from './noiseSchedule.ts';
import type { StepPlan, StepperParts } from './scheduler.ts';
import { curvedSigmas, logSigmasOf, sigmaToTimestep } from './sigmaCurves.ts';
import { requireFalling, tailTimesteps, timestepAt } from './tail.ts';
import { eulerTimesteps, linspace } from './timestepSpacing.ts';

const { fround } = Math;

/** The noise levels of a run in sigma space: sample = x0 + sigma * noise. */
export interface SigmaSpace {
  /** float32. */
  readonly timesteps: readonly number[];
  /** At least one more than timesteps; float32. */
  readonly sigmas: readonly number[];
  /** Of the noisiest level. */
  readonly initNoiseSigma: number;
}

/**
 * Levels of the schedulers of the Euler family. The trained levels are interpolated at the spaced timesteps; a curve runs
 * between the ends of *that* list, so its range depends on the spacing.
 */
export function sigmaSpace(config: SchedulerConfig, plan: StepPlan): SigmaSpace {
  const trained = trainedSigmas(config);
  const logSigmas = logSigmasOf(trained);
  const { timesteps, sigmas } = levelsOf(config, plan, trained, logSigmas);
  const max = Math.max(...sigmas);
  return {
    timesteps: isContinuous(config) ? sigmas.slice(0, -1).map((sigma) => fround(0.25 * log32(sigma))) : timesteps.map(fround),
    sigmas,
    initNoiseSigma: config.timestepSpacing === 'leading' ? sqrt32(fround(fround(max * max) + 1)) : max,
  };
}

/** Euler's continuous timesteps are for v-prediction only (the EDM scalings of arXiv 2206.00364). */
export function isContinuous(config: SchedulerConfig): boolean {
  return config.timestepType === 'continuous' && config.predictionType === 'v_prediction';
}

interface Levels {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}

function levelsOf(config: SchedulerConfig, plan: StepPlan, trained: Float32Array, logSigmas: Float32Array): Levels {
  if (plan.from !== undefined) return tailLevels(config, plan, plan.from, trained, logSigmas);
  return plan.sigmas === undefined ? spacedLevels(config, plan, trained, logSigmas) : givenLevels(plan.sigmas, logSigmas);
}

/** The curve from the level reached to where it ends anyway: for Karras and exponential levels the very ones it had there. */
function tailLevels(config: SchedulerConfig, plan: StepPlan, from: number, trained: Float32Array, logSigmas: Float32Array): Levels {
  const last = config.finalSigmasType === 'zero' ? 0 : (trained[0] ?? 0);
  const spaced = plan.timesteps ?? tailTimesteps(config, timestepAt(config, from), plan.steps, 'reached');
  const even =
    config.interpolationType === 'linear'
      ? spaced.map((timestep) => interpolate(trained, timestep))
      : linspace(Math.log(from), logSigmas[0] ?? 0, plan.steps + 1).map(Math.exp).slice(0, -1);
  const curved = curvedSigmas({ ...config, sigmaMax: from }, { min: even[even.length - 1] ?? 0, max: from }, plan.steps);
  const sigmas = [from, ...(curved ?? even).slice(1), last].map(fround);
  requireFalling(sigmas, plan.steps);
  const isEven = curved === null && config.interpolationType === 'linear';
  return { timesteps: isEven ? spaced : sigmas.slice(0, -1).map((sigma) => sigmaToTimestep(sigma, logSigmas)), sigmas };
}

/** The last sigma given is where the last step ends; it has no timestep. */
function givenLevels(given: readonly number[], logSigmas: Float32Array): Levels {
  const sigmas = given.map(fround);
  return { timesteps: sigmas.slice(0, -1).map((sigma) => sigmaToTimestep(sigma, logSigmas, 'float32')), sigmas };
}

function spacedLevels(config: SchedulerConfig, plan: StepPlan, trained: Float32Array, logSigmas: Float32Array): Levels {
  const last = config.finalSigmasType === 'zero' ? 0 : (trained[0] ?? 0);
  const timesteps = plan.timesteps ?? eulerTimesteps(config, plan.steps);
  const levels =
    config.interpolationType === 'linear'
      ? timesteps.map((timestep) => interpolate(trained, fround(timestep)))
      : logLinearLevels(logSigmas, plan.steps);
  const curved = curvedSigmas(config, { min: levels[levels.length - 1] ?? 0, max: levels[0] ?? 0 }, plan.steps);
  if (curved === null) return { timesteps, sigmas: [...levels, last].map(fround) };
  return { timesteps: curved.map((sigma) => sigmaToTimestep(sigma, logSigmas)), sigmas: [...curved, last].map(fround) };
}

/** Even in log sigma over the whole trained range, whatever the timesteps: one level more than steps. */
function logLinearLevels(logSigmas: Float32Array, steps: number): number[] {
  return Array.from(linspace32(logSigmas[logSigmas.length - 1] ?? 0, logSigmas[0] ?? 0, steps + 1), exp32);
}

/** The sample divided by sqrt(sigma^2 + 1): unit variance, as the model was trained. */
export function scaleBySigma(sample: Tensor, sigma: number): Tensor {
  const root = sqrt32(fround(fround(sigma * sigma) + 1));
  return mapTensor(sample, (value) => value / root);
}

/** One Euler step along the line from x0 through the sample, from `sigma` by `dt`. */
export function moveFrom(sample: Tensor, cleanEstimate: Tensor, sigma: number, dt: number): Tensor {
  return zipTensors(sample, cleanEstimate, (x, x0) => x + fround(fround(fround(x - x0) / sigma) * dt));
}

/** What all steppers in sigma space have in common. */
export function sigmaSpaceParts(space: SigmaSpace): StepperParts {
  const sigmaAt = (index: number): number => space.sigmas[index] ?? 0;
  return {
    timesteps: space.timesteps,
    timestepType: 'float32',
    order: 1,
    initNoiseSigma: space.initNoiseSigma,
    level: (index) => ({ kind: 'exploding', sigma: sigmaAt(index) }),
    scaleModelInput: (sample, index) => scaleBySigma(sample, sigmaAt(index)),
    addNoise: (original, noise, index) => {
      const sigma = index < space.timesteps.length ? sigmaAt(index) : 0;
      return zipTensors(original, noise, (x, n) => x + fround(n * sigma));
    },
  };
}

/**
 * up^2 + down^2 = to^2, with as much fresh noise as the forward process would have added (k-diffusion `get_ancestral_step`).
 * Where `from` is thousands of times `to`, rounding leaves nothing of down^2 or less, and diffusers' run ends in NaN; there
 * down is what it is without rounding, to^2 / from.
 */
export function ancestralSplit(from: number, to: number): { readonly up: number; readonly down: number } {
  const from2 = fround(from * from);
  const to2 = fround(to * to);
  const up = sqrt32(fround(fround(to2 * fround(from2 - to2)) / from2));
  const down2 = fround(to2 - fround(up * up));
  return { up, down: down2 > 0 ? sqrt32(down2) : fround(to2 / from) };
}

/** From `start` by `dt` along the line from x0 through `sample`, which is at level `sigma`. */
export function moveAlong(start: Tensor, sample: Tensor, cleanEstimate: Tensor, sigma: number, dt: number): Tensor {
  const slope = zipTensors(sample, cleanEstimate, (x, x0) => fround(x - x0) / sigma);
  return zipTensors(start, slope, (x, d) => x + fround(d * dt));
}
