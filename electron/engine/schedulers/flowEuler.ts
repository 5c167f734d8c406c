import { zipTensors } from '../tensor/tensor.ts';
import { curveKeys, type SchedulerConfig } from './config.ts';
import { flowShifted, shiftedLevels, stretchedTo } from './flowShift.ts';
import { weightedSum } from './mix.ts';
import { noState } from './savedState.ts';
import type { Scheduler, StepInput, StepPlan } from './scheduler.ts';
import { curvedSigmas } from './sigmaCurves.ts';
import { refuseTail, requireFalling } from './tail.ts';
import { linspace } from './timestepSpacing.ts';

const { fround } = Math;

const defaults = {
  numTrainTimesteps: 1000,
  shift: 1,
  useDynamicShifting: false,
  timeShiftType: 'exponential',
  shiftTerminal: null,
  baseShift: 0.5,
  maxShift: 1.15,
  baseImageSeqLen: 256,
  maxImageSeqLen: 4096,
  invertSigmas: false,
  stochasticSampling: false,
  ...curveKeys,
} satisfies Partial<SchedulerConfig>;

/**
 * Euler steps along a rectified flow (arXiv 2209.03003, 2403.03206): the model says noise - x0, and a sample is
 * (1 - sigma) * x0 + sigma * noise. Follows FlowMatchEulerDiscreteScheduler of diffusers, where the ends of the schedule
 * are shifted once before all of it is shifted. With `invert_sigmas` sigma is the share of the signal and runs up to 1.
 */
export const flowEuler: Scheduler = {
  defaults,
  accepts: { timesteps: true, sigmas: true },
  predictions: ['flow_prediction'],
  createStepper(config, plan) {
    const { timesteps, sigmas } = flowLevels(config, plan);
    const sigmaAt = (index: number): number => sigmas[index] ?? 0;
    /** Along the model's direction to where the flow ends. */
    const inverted = ({ index, sample, modelOutput }: StepInput) => {
      const rest = fround(1 - sigmaAt(index));
      return zipTensors(sample, modelOutput, (x, v) => x + fround(rest * v));
    };
    return {
      timesteps,
      timestepType: 'float32',
      order: 1,
      initNoiseSigma: 1,
      ...noState,
      ...(config.invertSigmas ? { estimate: inverted } : {}),
      level: (index) => ({ kind: 'flow', sigma: config.invertSigmas ? fround(1 - sigmaAt(index)) : sigmaAt(index) }),
      scaleModelInput: (sample) => sample,
      addNoise: (original, noise, index) =>
        index < timesteps.length ? weightedSum([sigmaAt(index), noise], [fround(1 - sigmaAt(index)), original]) : original,
      step({ index, sample, modelOutput, noise }) {
        const [sigma, next] = [sigmaAt(index), sigmaAt(index + 1)];
        if (!config.stochasticSampling) return weightedSum([1, sample], [fround(next - sigma), modelOutput]);
        const estimate = zipTensors(sample, modelOutput, (x, v) => x - fround(sigma * v));
        return weightedSum([fround(1 - next), estimate], [next, noise.normal(sample.dims)]);
      },
    };
  },
};

/** Timesteps and, one more, sigmas; float32. */
function flowLevels(config: SchedulerConfig, plan: StepPlan): { timesteps: readonly number[]; sigmas: readonly number[] } {
  const total = config.numTrainTimesteps;
  if (plan.from !== undefined) return tailFlow(config, plan.from / (1 + plan.from), plan.steps);
  // Lists that are given are float32 in diffusers, its own ones double until the end.
  const given = plan.sigmas ?? plan.timesteps?.map((timestep) => fround(fround(timestep) / total));
  const round = given === undefined ? undefined : fround;
  const shifted = shiftedLevels(config, config.shift, given?.map(fround) ?? evenLevels(config, plan.steps), round);
  const stretched = stretchedTo(shifted, config.shiftTerminal, round);
  const ends = { min: stretched[stretched.length - 1] ?? 0, max: stretched[0] ?? 0 };
  const levels = (curvedSigmas(config, ends, stretched.length) ?? stretched).map(fround);
  const sigmas = config.invertSigmas ? levels.map((sigma) => fround(1 - sigma)) : levels;
  const own = plan.timesteps !== undefined && !config.invertSigmas ? plan.timesteps.map(fround) : null;
  return { timesteps: own ?? sigmas.map((sigma) => fround(sigma * total)), sigmas: [...sigmas, config.invertSigmas ? 1 : 0] };
}

function tailFlow(config: SchedulerConfig, from: number, steps: number): { timesteps: readonly number[]; sigmas: readonly number[] } {
  if (config.useDynamicShifting || config.invertSigmas || (config.shiftTerminal ?? 0) !== 0) {
    refuseTail('A flow that shifts by the size of the picture, runs upwards or ends at a level of its own');
  }
  const total = config.numTrainTimesteps;
  // The last level of a whole schedule: its end is shifted before everything is.
  const lowest = flowShifted(flowShifted(1 / total, config.shift), config.shift);
  const start = from / (config.shift - (config.shift - 1) * from);
  const even = linspace(start, lowest / (config.shift - (config.shift - 1) * lowest), steps).map((sigma) => flowShifted(sigma, config.shift));
  const curved = curvedSigmas({ ...config, sigmaMax: from }, { min: even[even.length - 1] ?? 0, max: from }, steps);
  const sigmas = [from, ...(curved ?? even).slice(1)].map(fround);
  requireFalling([...sigmas, 0], steps);
  return { timesteps: sigmas.map((sigma) => fround(sigma * total)), sigmas: [...sigmas, 0] };
}

function evenLevels(config: SchedulerConfig, steps: number): number[] {
  const total = config.numTrainTimesteps;
  const end = (sigma: number): number =>
    config.useDynamicShifting ? fround(sigma) : flowShifted(fround(sigma), config.shift, fround);
  return linspace(end(1) * total, end(1 / total) * total, steps).map((timestep) => timestep / total);
}
