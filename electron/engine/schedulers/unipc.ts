import { mapTensor, type Tensor } from '../tensor/tensor.ts';
import {
  curveKeys,
  flowSigmaKeys,
  type SchedulerConfig,
  spacingKeys,
  thresholdingKeys,
  trainedKeys,
  unsupported,
} from './config.ts';
import { flowTail, shiftedLevels, stretchedTo } from './flowShift.ts';
import { lambdaSpace, lambdaSpaceParts, solverEstimate } from './lambdaSpace.ts';
import { pushed, scaledDifference, type Term, weightedSum } from './mix.ts';
import { savedCount, savedTensor, savedTensors } from './savedState.ts';
import type { Scheduler, StepInput, StepPlan } from './scheduler.ts';
import { isCurved } from './sigmaCurves.ts';
import { noiseEstimate } from './signalSpace.ts';
import { refuseTail } from './tail.ts';
import { linspace } from './timestepSpacing.ts';
import { type BhSystem, bhSystem, solved } from './unipcSystem.ts';

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  ...curveKeys,
  ...thresholdingKeys,
  ...flowSigmaKeys,
  shiftTerminal: null,
  predictionType: 'epsilon',
  solverOrder: 2,
  solverType: 'bh2',
  predictX0: true,
  lowerOrderFinal: true,
  disableCorrector: [],
  finalSigmasType: 'zero',
  rescaleBetasZeroSnr: false,
} satisfies Partial<SchedulerConfig>;

/**
 * UniPC (arXiv 2302.04867): what the model says at a step first corrects the step that led there, then predicts the next.
 * Follows UniPCMultistepScheduler of diffusers. Where that one multiplies an infinite B(h) by nothing on the way to sigma 0
 * (bh1) and ends in NaN, the empty term is left out here.
 */
export const unipc: Scheduler = {
  defaults,
  accepts: { timesteps: false, sigmas: true },
  predictions: ['epsilon', 'v_prediction', 'sample', 'flow_prediction'],
  createStepper(config, plan) {
    requireFiniteEnd(config);
    const space = lambdaSpace(config, plan, { afterCurve: 'last', hasFlowKarras: true, flow: flowLevels });
    const { levelAt } = space;
    const total = space.timesteps.length;
    const disabled = new Set(config.disableCorrector);
    let outputs: readonly Tensor[] = [];
    let lastSample: Tensor | null = null;
    let lastOrder = 0;

    const converted = (input: StepInput): Tensor => {
      if (config.predictX0) return solverEstimate(input, config);
      const { alpha, sigma } = levelAt(input.index);
      return noiseEstimate(config.predictionType, input.modelOutput, input.sample, { alpha, sigma });
    };

    /** Differences of older outputs to the newest, each over its distance in lambda, and those distances in units of h. */
    const system = (to: number, from: number, order: number): BhSystem & { readonly slopes: readonly Tensor[] } => {
      const earlier = Array.from({ length: order - 1 }, (_, at) => levelAt(from - at - 1));
      const bh = bhSystem(levelAt(to), levelAt(from), earlier, config);
      const [newest, ...older] = outputs.toReversed();
      if (newest === undefined) return { ...bh, slopes: [] };
      const slopes = older.slice(0, order - 1).map((output, at) => {
        const distance = bh.distances[at] ?? 1;
        return mapTensor(scaledDifference(1, output, newest), (value) => value / distance);
      });
      return { ...bh, slopes };
    };

    function corrected(index: number, output: Tensor, start: Tensor): Tensor {
      const [newest] = outputs.toReversed();
      if (newest === undefined) return start;
      const bh = system(index, index - 1, lastOrder);
      const weights = lastOrder === 1 ? [0.5] : solved(bh.matrix, bh.right);
      const terms = bh.slopes.map((slope, at): Term => [weights[at] ?? 0, slope]);
      const change = scaledDifference(weights[weights.length - 1] ?? 0, output, newest);
      const [first, ...rest] = terms;
      const sum = first === undefined ? change : weightedSum([1, weightedSum(first, ...rest)], [1, change]);
      return weightedSum([bh.keep, start], [bh.gain, newest], [bh.slopeGain, sum]);
    }

    function predicted(index: number, output: Tensor, start: Tensor, order: number): Tensor {
      const bh = system(index + 1, index, order);
      const base: [Term, Term] = [
        [bh.keep, start],
        [bh.gain, output],
      ];
      // What is predicted has no difference yet: one condition fewer. For order 2 the paper's simplified weight is 1/2.
      const inner = bh.matrix.slice(0, -1).map((row) => row.slice(0, -1));
      const weights = order === 2 ? [0.5] : solved(inner, bh.right.slice(0, -1));
      const [first, ...rest] = bh.slopes.map((slope, at): Term => [weights[at] ?? 0, slope]);
      return first === undefined ? weightedSum(...base) : weightedSum(...base, [bh.slopeGain, weightedSum(first, ...rest)]);
    }

    return {
      ...lambdaSpaceParts(space, config),
      step(input) {
        const { index } = input;
        const output = converted(input);
        const corrects = index > 0 && !disabled.has(index - 1) && lastSample !== null;
        const sample = corrects && lastSample !== null ? corrected(index, output, lastSample) : input.sample;
        const earlierOutputs = outputs.length;
        outputs = pushed(outputs, output, config.solverOrder);
        const most = config.lowerOrderFinal ? Math.min(config.solverOrder, total - index) : config.solverOrder;
        lastOrder = Math.min(most, earlierOutputs + 1);
        lastSample = sample;
        return predicted(index, output, sample, lastOrder);
      },
      snapshot: () => ({ outputs, lastSample, lastOrder }),
      restore(state) {
        outputs = savedTensors(state, 'outputs');
        lastSample = savedTensor(state, 'lastSample');
        lastOrder = savedCount(state, 'lastOrder');
      },
    };
  },
};

/**
 * Sigma 0 is infinitely far in lambda, and a curve's last level repeated is no distance at all: steps of first order in x0
 * alone survive either.
 */
function requireFiniteEnd(config: SchedulerConfig): void {
  if (!config.predictX0 && config.predictionType === 'flow_prediction') {
    throw unsupported('predict_x0', 'prediction_type flow_prediction needs predict_x0.');
  }
  const endsAtZero = config.finalSigmasType === 'zero';
  if (endsAtZero && !config.predictX0) {
    throw unsupported('predict_x0', 'Without predict_x0, UniPC needs final_sigmas_type sigma_min.');
  }
  if (config.lowerOrderFinal || config.solverOrder === 1) return;
  if (endsAtZero || isCurved(config) || config.useFlowSigmas) {
    throw unsupported('lower_order_final', 'Without lower_order_final, UniPC needs final_sigmas_type sigma_min and no curve.');
  }
}

/** Levels of a rectified flow, those given or even ones; a first level of 1 is taken back, where lambda is infinite. */
function flowLevels(config: SchedulerConfig, plan: StepPlan): number[] {
  if (plan.from !== undefined) {
    if (config.useDynamicShifting || (config.shiftTerminal ?? 0) !== 0) refuseTail('A flow that shifts by the size of the picture or ends at a level of its own');
    return flowTail(plan.from, config.flowShift, 1 / config.numTrainTimesteps, plan.steps);
  }
  const even = linspace(1, 1 / config.numTrainTimesteps, plan.steps + 1).slice(0, -1);
  const shifted = shiftedLevels(config, config.flowShift, plan.sigmas ?? even);
  const sigmas = stretchedTo(shifted, config.shiftTerminal);
  const epsilon = 1e-6;
  return sigmas.map((sigma, at) => (at === 0 && Math.abs(sigma - 1) < epsilon ? sigma - epsilon : sigma));
}
