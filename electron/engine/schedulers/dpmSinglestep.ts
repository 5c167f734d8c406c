import type { Tensor } from '../tensor/tensor.ts';
import { curveKeys, flowSigmaKeys, type SchedulerConfig, thresholdingKeys, trainedKeys } from './config.ts';
import { finalTerm, firstOrderTerms, gains, secondOrderWeight } from './dpmTerms.ts';
import { evenFlow, lambdaSpace, lambdaSpaceParts, solverEstimate } from './lambdaSpace.ts';
import { pushed, scaledDifference, weightedSum } from './mix.ts';
import { savedTensor, savedTensors } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  ...curveKeys,
  ...thresholdingKeys,
  ...flowSigmaKeys,
  predictionType: 'epsilon',
  solverOrder: 2,
  solverType: 'midpoint',
  lowerOrderFinal: false,
  finalSigmasType: 'zero',
  lambdaMinClipped: -Infinity,
} satisfies Partial<SchedulerConfig>;

/** The order of every step: groups of rising order, each group a single step of the highest. */
function orderList(config: SchedulerConfig, steps: number): number[] {
  const order = config.solverOrder;
  const group = [1, 2, 3].slice(0, order);
  const groups = (count: number): number[] => Array.from({ length: Math.max(count, 0) }, () => group).flat();
  const endsLow = config.lowerOrderFinal || steps % order !== 0 || config.finalSigmasType === 'zero';
  const list = endsLow ? groups(Math.ceil(steps / order) - 1) : groups(steps / order);
  const rest = steps - list.length;
  // A last whole group ends with a step of order 1 in place of its highest.
  if (endsLow) list.push(...(rest === order && order > 1 ? [...group.slice(0, -1), 1] : group.slice(0, rest)));
  if (config.finalSigmasType === 'zero') list[list.length - 1] = 1;
  return list;
}

/**
 * DPM-Solver++(2S), algorithm 1 of arXiv 2211.01095, its other orders and its stochastic twin, as
 * DPMSolverSinglestepScheduler of diffusers. A group of model calls makes one step of higher order: its second and third
 * call start again from where the group began. There is no timestep spacing to choose: it is linspace.
 */
export const dpmSinglestep: Scheduler = {
  defaults,
  accepts: { timesteps: true, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample', 'flow_prediction'],
  createStepper(config, plan) {
    const space = lambdaSpace(config, plan, { afterCurve: 'trained', flow: evenFlow });
    const orders = orderList(config, space.timesteps.length);
    const { levelAt } = space;
    let estimates: readonly Tensor[] = [];
    let groupStart: Tensor | null = null;

    function secondOrder(index: number, sample: Tensor, m0: Tensor, m1: Tensor, noise: Tensor | null): Tensor {
      const [to, from, start] = [levelAt(index + 1), levelAt(index), levelAt(index - 1)];
      const step = gains(config.algorithmType, start, to);
      const ratio = fround(fround(from.lambda - start.lambda) / step.h);
      return weightedSum(
        ...firstOrderTerms(step, sample, m1),
        [secondOrderWeight(step, config.solverType), scaledDifference(fround(1 / ratio), m0, m1)],
        ...finalTerm(step, noise),
      );
    }

    function thirdOrder(index: number, sample: Tensor, m: readonly [Tensor, Tensor, Tensor], noise: Tensor | null): Tensor {
      const [to, from, middle, start] = [levelAt(index + 1), levelAt(index), levelAt(index - 1), levelAt(index - 2)];
      const step = gains(config.algorithmType, start, to);
      const r0 = fround(fround(from.lambda - start.lambda) / step.h);
      const r1 = fround(fround(middle.lambda - start.lambda) / step.h);
      const [m0, m1, m2] = m;
      const near = scaledDifference(fround(1 / r1), m1, m2);
      const far = scaledDifference(fround(1 / r0), m0, m2);
      const terms = firstOrderTerms(step, sample, m2);
      if (config.solverType !== 'heun') return weightedSum(...terms, [step.slopeWeight, far], ...finalTerm(step, noise));
      const both = fround(r0 - r1);
      const slope = weightedSum([r0, near], [-r1, far]);
      const bend = scaledDifference(2, far, near);
      const over = (tensor: Tensor): Tensor => ({ ...tensor, data: tensor.data.map((value) => value / both) });
      return weightedSum(
        ...terms,
        [step.slopeWeight, over(slope)],
        [step.bendWeight, over(bend)],
        ...finalTerm(step, noise),
      );
    }

    return {
      ...lambdaSpaceParts(space, config),
      step(input) {
        const { index, sample } = input;
        estimates = pushed(estimates, solverEstimate(input, config), config.solverOrder);
        const noise = config.algorithmType === 'sde-dpmsolver++' ? input.noise.normal(sample.dims) : null;
        const order = Math.min(orders[index] ?? 1, estimates.length);
        if (order === 1 || groupStart === null) groupStart = sample;
        const [m0, m1, m2] = estimates.toReversed();
        if (m0 !== undefined && m1 !== undefined && m2 !== undefined && order === 3) {
          return thirdOrder(index, groupStart, [m0, m1, m2], noise);
        }
        if (m0 !== undefined && m1 !== undefined && order >= 2) return secondOrder(index, groupStart, m0, m1, noise);
        const step = gains(config.algorithmType, levelAt(index), levelAt(index + 1));
        return weightedSum(...firstOrderTerms(step, groupStart, m0 ?? input.cleanEstimate), ...finalTerm(step, noise));
      },
      snapshot: () => ({ estimates, groupStart }),
      restore(state) {
        estimates = savedTensors(state, 'estimates');
        groupStart = savedTensor(state, 'groupStart');
      },
    };
  },
};
