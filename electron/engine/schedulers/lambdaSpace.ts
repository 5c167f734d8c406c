import { StopbathError } from '../../../shared/errors.ts';
import type { NoiseLevel } from '../guidance/prediction.ts';
import { roundHalfEven } from '../tensor/float16.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type SchedulerConfig, unsupported } from './config.ts';
import { log32, sqrt32 } from './float32.ts';
import { flowShifted, flowTail } from './flowShift.ts';
import { weightedSum } from './mix.ts';
import { alphasCumprod, interpolate, sigmasOf, smallestSignal } from './noiseSchedule.ts';
import { thresholded } from './ownEstimate.ts';
import type { StepInput, StepPlan, Stepper, StepperParts } from './scheduler.ts';
import { curvedSigmas, isCurved, logSigmasOf, sigmaToTimestep } from './sigmaCurves.ts';
import { refuseTail, requireFalling, tailTimesteps, timestepAt } from './tail.ts';
import { dpmSolverTimesteps, linspace } from './timestepSpacing.ts';

const { fround } = Math;

/** A noise level as the exponential integrators see it: sample = alpha * x0 + sigma * noise. float32. */
export interface LambdaLevel {
  readonly alpha: number;
  readonly sigma: number;
  /** Half the log of the signal-to-noise ratio; infinite where no noise is left. */
  readonly lambda: number;
}

/** The levels of a run of DPM-Solver++, UniPC or DEIS. */
export interface LambdaSpace {
  /** Whole. */
  readonly timesteps: readonly number[];
  /** Level of step i; the one after the last step too. */
  readonly levelAt: (index: number) => LambdaLevel;
  readonly isFlow: boolean;
  readonly lastSigma: number;
}

/** In what the classes differ. */
export interface LambdaRules {
  /** What final_sigmas_type `sigma_min` means behind a curve: the trained level of timestep 0, or the curve's last again. */
  readonly afterCurve: 'trained' | 'last';
  /** Karras timesteps under the cosine schedule: DPM++ multistep cuts their fractions off, the others round. */
  readonly cutsCosine?: boolean;
  /** Whether Karras levels can become those of a flow. */
  readonly hasFlowKarras?: boolean;
  /** The levels of a rectified flow. */
  readonly flow: (config: SchedulerConfig, plan: StepPlan) => number[];
}

interface Levels {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
  readonly curved: boolean;
}

/** Curves span the whole trained range here, not the spaced part of it as for Euler, and timesteps are whole. */
export function lambdaSpace(config: SchedulerConfig, plan: StepPlan, rules: LambdaRules): LambdaSpace {
  if (config.predictionType === 'flow_prediction' && !config.useFlowSigmas) {
    throw unsupported('use_flow_sigmas', 'prediction_type flow_prediction needs use_flow_sigmas.');
  }
  const trained = sigmasOf(alphasCumprod(config, smallestSignal));
  const { timesteps, sigmas, curved } = plan.from === undefined ? levels(config, plan, rules, trained) : tailLevels(config, plan, plan.from, rules, trained);
  const lowest = curved && rules.afterCurve === 'last' && plan.from === undefined ? (sigmas[sigmas.length - 1] ?? 0) : (trained[0] ?? 0);
  const all = [...sigmas, config.finalSigmasType === 'zero' ? 0 : lowest].map(fround);
  const levelsAt = all.map((sigma) => levelOf(sigma, config.useFlowSigmas));
  return {
    timesteps: timesteps.map(Math.trunc),
    levelAt: (index) => levelsAt[index] ?? { alpha: 1, sigma: 0, lambda: Infinity },
    isFlow: config.useFlowSigmas,
    lastSigma: all[all.length - 1] ?? 0,
  };
}

function levels(config: SchedulerConfig, plan: StepPlan, rules: LambdaRules, trained: Float32Array): Levels {
  const logSigmas = logSigmasOf(trained);
  const ends = { min: trained[0] ?? 0, max: trained[trained.length - 1] ?? 0 };
  const isLu = config.useLuLambdas && !config.useKarrasSigmas;
  const curved = isLu ? luSigmas(logSigmas, plan.steps) : curvedSigmas(config, ends, plan.steps);
  if (curved !== null) {
    if (config.useFlowSigmas) return flowKarras(config, curved, rules);
    const timesteps = curved.map((sigma) => sigmaToTimestep(sigma, logSigmas));
    const rounds = config.useKarrasSigmas || isLu;
    const cuts = rules.cutsCosine === true && config.betaSchedule === 'squaredcos_cap_v2';
    return { timesteps: rounds && !cuts ? timesteps.map(roundHalfEven) : timesteps, sigmas: curved, curved: true };
  }
  if (config.useFlowSigmas) {
    const sigmas = rules.flow(config, plan);
    return { timesteps: sigmas.map((sigma) => sigma * config.numTrainTimesteps), sigmas, curved: true };
  }
  const timesteps = plan.timesteps ?? dpmSolverTimesteps(config, plan.steps, clippedSteps(config));
  return { timesteps, sigmas: timesteps.map((timestep) => interpolate(trained, timestep)), curved: false };
}

/**
 * From the level reached down. Timesteps are whole, levels between them are not made so.
 * @param from in sigma units, noise over signal
 */
function tailLevels(config: SchedulerConfig, plan: StepPlan, from: number, rules: LambdaRules, trained: Float32Array): Levels {
  const { steps } = plan;
  if (config.useFlowSigmas) {
    const sigmas = rules.flow(config, { ...plan, from: from / (1 + from) });
    if (isCurved(config)) refuseTail('A curve of the levels of a rectified flow');
    requireFalling([...sigmas, 0], steps);
    return { timesteps: sigmas.map((sigma) => sigma * config.numTrainTimesteps), sigmas, curved: true };
  }
  const logSigmas = logSigmasOf(trained);
  const low = trained[0] ?? 0;
  const isLu = config.useLuLambdas && !config.useKarrasSigmas;
  const curved = isLu
    ? linspace(Math.log(from), logSigmas[0] ?? 0, steps).map(Math.exp)
    : curvedSigmas({ ...config, sigmaMax: from }, { min: low, max: from }, steps);
  const spaced = plan.timesteps ?? tailTimesteps(config, timestepAt(config, from), steps, 'short');
  const sigmas = [from, ...(curved ?? spaced.map((timestep) => interpolate(trained, timestep))).slice(1)];
  requireFalling([...sigmas, config.finalSigmasType === 'zero' ? 0 : low].map(fround), steps);
  const timesteps = curved === null ? spaced : sigmas.map((sigma) => sigmaToTimestep(sigma, logSigmas));
  return { timesteps: timesteps.map(roundHalfEven), sigmas, curved: curved !== null };
}

/** Even in log sigma, from the float32 logarithms of the trained ends (arXiv 2206.00927). */
function luSigmas(logSigmas: Float32Array, count: number): number[] {
  return linspace(logSigmas[logSigmas.length - 1] ?? 0, logSigmas[0] ?? 0, count).map(Math.exp);
}

/**
 * UniPC turns Karras levels into those of a flow of the same signal-to-noise ratio.
 * @throws StopbathError `INVALID_INPUT` for other curves and schedulers: diffusers takes logarithms of negative numbers there.
 */
function flowKarras(config: SchedulerConfig, karras: readonly number[], rules: LambdaRules): Levels {
  if (!config.useKarrasSigmas || rules.hasFlowKarras !== true) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      field: 'sigmaSchedule',
      message: 'The model is one of rectified flow, whose noise levels this schedule does not fit.',
      nextStep: 'Set the schedule to Uniform.',
    });
  }
  const sigmas = karras.map((sigma) => sigma / (sigma + 1));
  return { timesteps: sigmas.map((sigma) => sigma * config.numTrainTimesteps), sigmas, curved: true };
}

/** Flow levels of DPM++ and DEIS. */
export function evenFlow(config: SchedulerConfig, plan: StepPlan): number[] {
  if (plan.from !== undefined) return flowTail(plan.from, config.flowShift, 0, plan.steps);
  const alphas = linspace(1, 1 / config.numTrainTimesteps, plan.steps + 1);
  return alphas.map((alpha) => flowShifted(1 - alpha, config.flowShift)).reverse().slice(0, -1);
}

/** How many of the noisiest timesteps have a lambda below the clip: torch.searchsorted over the rising lambdas. */
function clippedSteps(config: SchedulerConfig): number {
  if (config.lambdaMinClipped === -Infinity) return 0;
  const lambdas = alphasCumprod(config, smallestSignal).map((bar) => log32(sqrt32(bar)) - log32(sqrt32(fround(1 - bar))));
  return lambdas.filter((lambda) => lambda < config.lambdaMinClipped).length;
}

function levelOf(sigma: number, isFlow: boolean): LambdaLevel {
  const alpha = isFlow ? fround(1 - sigma) : fround(1 / sqrt32(fround(fround(sigma * sigma) + 1)));
  const scaled = isFlow ? sigma : fround(sigma * alpha);
  return { alpha, sigma: scaled, lambda: fround(log32(alpha) - log32(scaled)) };
}

/** What the steppers in lambda space have in common. */
export function lambdaSpaceParts(
  { timesteps, levelAt, isFlow }: LambdaSpace,
  config: SchedulerConfig,
): StepperParts & Pick<Stepper, 'estimate'> {
  return {
    timesteps,
    timestepType: 'int64',
    order: 1,
    initNoiseSigma: 1,
    level: (index): NoiseLevel => {
      const { alpha, sigma } = levelAt(index);
      return isFlow ? { kind: 'flow', sigma } : { kind: 'preserving', alpha, sigma };
    },
    scaleModelInput: (sample) => sample,
    addNoise: (original, noise, index) => {
      if (index >= timesteps.length) return original;
      const { alpha, sigma } = levelAt(index);
      return weightedSum([alpha, original], [sigma, noise]);
    },
    ...(config.thresholding ? { estimate: (input: StepInput) => thresholded(input.cleanEstimate, config) } : {}),
  };
}

/** x0 as the solver uses it. */
export function solverEstimate(input: StepInput, config: SchedulerConfig): Tensor {
  return config.thresholding ? thresholded(input.cleanEstimate, config) : input.cleanEstimate;
}
