import type { Tensor } from '../tensor/tensor.ts';
import { curveKeys, flowSigmaKeys, type SchedulerConfig, spacingKeys, thresholdingKeys, trainedKeys } from './config.ts';
import { finalTerm, firstOrderTerms, gains, secondOrderWeight } from './dpmTerms.ts';
import { evenFlow, lambdaSpace, lambdaSpaceParts, solverEstimate } from './lambdaSpace.ts';
import { pushed, scaledDifference, weightedSum } from './mix.ts';
import { savedTensors } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  ...curveKeys,
  ...thresholdingKeys,
  ...flowSigmaKeys,
  useLuLambdas: false,
  predictionType: 'epsilon',
  solverOrder: 2,
  solverType: 'midpoint',
  lowerOrderFinal: true,
  eulerAtFinal: false,
  finalSigmasType: 'zero',
  lambdaMinClipped: -Infinity,
  rescaleBetasZeroSnr: false,
} satisfies Partial<SchedulerConfig>;

/** Below this many steps the last ones are of lower order. */
const fewSteps = 15;

/**
 * DPM-Solver++(2M) and its stochastic twin, algorithm 2 of arXiv 2211.01095 and its third order, as
 * DPMSolverMultistepScheduler of diffusers. The first steps are of lower order, and so is the last one where its sigma is 0
 * or steps are few.
 */
export const dpmMultistep: Scheduler = {
  defaults,
  accepts: { timesteps: true, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample', 'flow_prediction'],
  createStepper(config, plan) {
    const space = lambdaSpace(config, plan, { afterCurve: 'trained', cutsCosine: true, flow: evenFlow });
    const { levelAt } = space;
    const total = space.timesteps.length;
    const few = config.lowerOrderFinal && total < fewSteps;
    let estimates: readonly Tensor[] = [];

    /** How many estimates the step after `index` uses. */
    function orderAt(index: number): number {
      if (index === total - 1 && (config.eulerAtFinal || few || config.finalSigmasType === 'zero')) return 1;
      const most = index === total - 2 && few ? 2 : config.solverOrder;
      return Math.min(most, estimates.length);
    }

    function secondOrder(index: number, sample: Tensor, m0: Tensor, m1: Tensor, noise: Tensor | null): Tensor {
      const [to, from, before] = [levelAt(index + 1), levelAt(index), levelAt(index - 1)];
      const step = gains(config.algorithmType, from, to);
      const ratio = fround(fround(from.lambda - before.lambda) / step.h);
      const slope = scaledDifference(fround(1 / ratio), m0, m1);
      return weightedSum(
        ...firstOrderTerms(step, sample, m0),
        [secondOrderWeight(step, config.solverType), slope],
        ...finalTerm(step, noise),
      );
    }

    function thirdOrder(index: number, sample: Tensor, m: readonly [Tensor, Tensor, Tensor], noise: Tensor | null): Tensor {
      const [to, from] = [levelAt(index + 1), levelAt(index)];
      const step = gains(config.algorithmType, from, to);
      const before = levelAt(index - 1);
      const r0 = fround(fround(from.lambda - before.lambda) / step.h);
      const r1 = fround(fround(before.lambda - levelAt(index - 2).lambda) / step.h);
      const near = scaledDifference(fround(1 / r0), m[0], m[1]);
      const far = scaledDifference(fround(1 / r1), m[1], m[2]);
      const both = fround(r0 + r1);
      const slope = weightedSum([1, near], [1, scaledDifference(fround(r0 / both), near, far)]);
      const bend = scaledDifference(fround(1 / both), near, far);
      return weightedSum(
        ...firstOrderTerms(step, sample, m[0]),
        [step.slopeWeight, slope],
        [step.bendWeight, bend],
        ...finalTerm(step, noise),
      );
    }

    return {
      ...lambdaSpaceParts(space, config),
      step(input) {
        const { index, sample } = input;
        estimates = pushed(estimates, solverEstimate(input, config), config.solverOrder);
        const noise = config.algorithmType === 'sde-dpmsolver++' ? input.noise.normal(sample.dims) : null;
        const [m0, m1, m2] = estimates.toReversed();
        const order = orderAt(index);
        if (m0 !== undefined && m1 !== undefined && m2 !== undefined && order === 3) {
          return thirdOrder(index, sample, [m0, m1, m2], noise);
        }
        if (m0 !== undefined && m1 !== undefined && order >= 2) return secondOrder(index, sample, m0, m1, noise);
        const step = gains(config.algorithmType, levelAt(index), levelAt(index + 1));
        return weightedSum(...firstOrderTerms(step, sample, m0 ?? input.cleanEstimate), ...finalTerm(step, noise));
      },
      snapshot: () => ({ estimates }),
      restore(state) {
        estimates = savedTensors(state, 'estimates');
      },
    };
  },
};
