import { StopbathError } from '../../../shared/errors.ts';
import { mapTensor, type Tensor, zipTensors } from '../tensor/tensor.ts';
import { type SchedulerConfig, spacingKeys, trainedKeys } from './config.ts';
import { sqrt32 } from './float32.ts';
import { pushed, weightedSum } from './mix.ts';
import { savedCount, savedTensor, savedTensors } from './savedState.ts';
import type { Scheduler, StepInput } from './scheduler.ts';
import { noiseEstimate, type Signal, signalList, signalSpaceParts, trainedSignals } from './signalSpace.ts';
import { timestepAt, wholeTail } from './tail.ts';
import { ddimTimesteps } from './timestepSpacing.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  timestepSpacing: 'leading',
  predictionType: 'epsilon',
  skipPrkSteps: false,
  setAlphaToOne: false,
} satisfies Partial<SchedulerConfig>;

/** Timesteps a Runge-Kutta start covers, each taking four model calls (the last one none of its own). */
const startSteps = 4;

interface Lists {
  readonly rungeKutta: readonly number[];
  readonly multistep: readonly number[];
}

/** @param down from the noisiest; the linear multistep part repeats its second timestep, see {@link Pndm} */
function lists(config: SchedulerConfig, down: readonly number[]): Lists {
  if (config.skipPrkSteps) return { rungeKutta: [], multistep: [...down.slice(0, 2), ...down.slice(1)] };
  if (down.length < startSteps) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      field: 'steps',
      message: `PNDM with Runge-Kutta steps begins with ${startSteps} timesteps.`,
      nextStep: `Set the steps to ${startSteps} or more.`,
    });
  }
  const half = Math.floor(Math.floor(config.numTrainTimesteps / down.length) / 2);
  const points = down.slice(0, startSteps).toReversed().flatMap((timestep) => [timestep, timestep + half]);
  const doubled = points.slice(0, -1).flatMap((timestep) => [timestep, timestep]);
  return { rungeKutta: doubled.slice(1, -1).toReversed(), multistep: down.slice(startSteps - 1) };
}

/**
 * Pseudo numerical methods for diffusion models (arXiv 2202.09778) as PNDMScheduler of diffusers: four pseudo Runge-Kutta
 * steps and then pseudo linear multistep ones, or (`skip_prk_steps`, what A1111 calls PLMS) the latter from the beginning,
 * where the first step is taken twice and its two slopes averaged.
 * As in diffusers the calls of this run are counted, wherever in the list it begins.
 */
export const pndm: Scheduler = {
  defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction'],
  createStepper(config, plan) {
    const { from: reached } = plan;
    const isTail = reached !== undefined;
    // The rest of a run that was planned anew begins as PLMS does, from levels of its own.
    const { rungeKutta, multistep } = isTail
      ? lists({ ...config, skipPrkSteps: true }, wholeTail(config, timestepAt(config, reached), plan.steps))
      : lists(config, ddimTimesteps(config, plan.steps));
    const timesteps = [...rungeKutta, ...multistep];
    const signalAt = trainedSignals(config);
    const list = signalList(timesteps, signalAt, reached);
    const stride = Math.floor(config.numTrainTimesteps / plan.steps);
    let calls = 0;
    let outputs: readonly Tensor[] = [];
    let held: Tensor | null = null;
    let partial: Tensor | null = null;

    const move = (sample: Tensor, from: Signal, to: Signal, output: Tensor): Tensor => transfer(sample, from, to, output, config);

    function rungeKuttaStep({ index, sample, modelOutput }: StepInput): Tensor {
      const timestep = timesteps[index] ?? 0;
      const phase = calls % 4;
      const to = timestep - (calls % 2 === 0 ? Math.floor(stride / 2) : 0);
      const from = rungeKutta[calls - phase] ?? 0;
      let output = modelOutput;
      if (phase === 0) {
        outputs = [...outputs, modelOutput];
        held = sample;
      }
      const weighted = mapTensor(modelOutput, (value) => fround(phase === 0 || phase === 3 ? 1 / 6 : 1 / 3) * value);
      const sum = partial === null ? weighted : weightedSum([1, partial], [1, weighted]);
      if (phase === 3) output = sum;
      partial = phase === 3 ? null : sum;
      return move(held ?? sample, signalAt(from), signalAt(to), output);
    }

    function multistepStep({ index, sample, modelOutput }: StepInput): Tensor {
      const timestep = timesteps[index] ?? 0;
      // The second call looks again at where the first step led, and the step is redone with the mean of both.
      if (calls === 1 && outputs[0] !== undefined) {
        const mean = zipTensors(modelOutput, outputs[0], (a, b) => fround(a + b) / 2);
        const start = held ?? sample;
        held = null;
        return isTail ? move(start, list.at(index - 1), list.at(index), mean) : move(start, signalAt(timestep + stride), signalAt(timestep), mean);
      }
      outputs = pushed(outputs, modelOutput, 4);
      if (calls === 0) held = sample;
      return move(sample, list.at(index), isTail ? list.at(index + 1) : signalAt(timestep - stride), adamsBashforth(outputs));
    }

    return {
      ...signalSpaceParts(list),
      step(input) {
        const next = calls < rungeKutta.length ? rungeKuttaStep(input) : multistepStep(input);
        calls++;
        return next;
      },
      snapshot: () => ({ calls, outputs, held, partial }),
      restore(state) {
        calls = savedCount(state, 'calls');
        outputs = savedTensors(state, 'outputs');
        held = savedTensor(state, 'held');
        partial = savedTensor(state, 'partial');
      },
    };
  },
};

/** Weights of the last one to four model outputs, newest last. */
function adamsBashforth(outputs: readonly Tensor[]): Tensor {
  const [a, b, c, d] = outputs.toReversed();
  if (a === undefined || b === undefined) return outputs[0] ?? { dims: [], data: new Float32Array() };
  if (c === undefined) return mapTensor(weightedSum([3, a], [-1, b]), (value) => value / 2);
  if (d === undefined) return mapTensor(weightedSum([23, a], [-16, b], [5, c]), (value) => value / 12);
  const third = fround(1 / 24);
  return mapTensor(weightedSum([55, a], [-59, b], [37, c], [-9, d]), (value) => third * value);
}

/** Formula 9 of the paper: what the model said moves the sample from one level to another. */
function transfer(sample: Tensor, from: Signal, to: Signal, output: Tensor, config: SchedulerConfig): Tensor {
  const said = noiseEstimate(config.predictionType, output, sample, from);
  const keep = sqrt32(fround(to.bar / from.bar));
  const change = fround(to.bar - from.bar);
  const scale = fround(
    fround(from.bar * to.sigma) + sqrt32(fround(fround(from.bar * from.noiseBar) * to.bar)),
  );
  return zipTensors(sample, said, (x, e) => fround(keep * x) - fround(fround(change * e) / scale));
}
