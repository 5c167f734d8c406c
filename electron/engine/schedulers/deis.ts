import { type Tensor, zipTensors } from '../tensor/tensor.ts';
import { curveKeys, flowSigmaKeys, type SchedulerConfig, spacingKeys, thresholdingKeys, trainedKeys } from './config.ts';
import { exp32, numpyLog32 } from './float32.ts';
import { evenFlow, type LambdaLevel, lambdaSpace, lambdaSpaceParts, solverEstimate } from './lambdaSpace.ts';
import { pushed, type Term, weightedSum } from './mix.ts';
import { savedTensors } from './savedState.ts';
import type { Scheduler } from './scheduler.ts';

const { fround } = Math;

const defaults = {
  ...trainedKeys,
  ...spacingKeys,
  ...curveKeys,
  ...thresholdingKeys,
  ...flowSigmaKeys,
  predictionType: 'epsilon',
  solverOrder: 2,
  lowerOrderFinal: true,
} satisfies Partial<SchedulerConfig>;

const fewSteps = 15;

/**
 * DEIS, log-rho multistep (arXiv 2204.13902): the noise the model sees is extrapolated by a polynomial in log rho and
 * integrated over rho = sigma / alpha. Follows DEISMultistepScheduler of diffusers, which never ends at sigma 0.
 */
export const deis: Scheduler = {
  defaults,
  accepts: { timesteps: false, sigmas: false },
  predictions: ['epsilon', 'v_prediction', 'sample', 'flow_prediction'],
  createStepper(config, plan) {
    const ending = { ...config, finalSigmasType: 'sigma_min' as const };
    const space = lambdaSpace(ending, plan, { afterCurve: 'last', flow: evenFlow });
    const { levelAt } = space;
    const total = space.timesteps.length;
    const few = config.lowerOrderFinal && total < fewSteps;
    let noises: readonly Tensor[] = [];

    function orderAt(index: number): number {
      if (index === total - 1 && few) return 1;
      const most = index === total - 2 && few ? 2 : config.solverOrder;
      return Math.min(most, noises.length);
    }

    return {
      ...lambdaSpaceParts(space, config),
      step(input) {
        const { index, sample } = input;
        const [to, from] = [levelAt(index + 1), levelAt(index)];
        const estimate = solverEstimate(input, config);
        const noise = zipTensors(sample, estimate, (x, x0) => fround(x - fround(from.alpha * x0)) / from.sigma);
        noises = pushed(noises, noise, config.solverOrder);
        const order = orderAt(index);
        if (order === 1) {
          const h = fround(to.lambda - from.lambda);
          return weightedSum([fround(to.alpha / from.alpha), sample], [-fround(to.sigma * fround(exp32(h) - 1)), noise]);
        }
        const rhos = Array.from({ length: order }, (_, back) => rhoOf(levelAt(index - back)));
        const weights = order === 2 ? secondOrder(rhoOf(to), rhos) : thirdOrder(rhoOf(to), rhos);
        const terms = noises.toReversed().slice(0, order).map((tensor, back): Term => [weights[back] ?? 0, tensor]);
        const start = zipTensors(sample, sample, (x) => x / from.alpha);
        const moved = weightedSum([1, start], ...terms);
        return { ...moved, data: moved.data.map((value) => to.alpha * value) };
      },
      snapshot: () => ({ noises }),
      restore(state) {
        noises = savedTensors(state, 'noises');
      },
    };
  },
};

function rhoOf({ alpha, sigma }: LambdaLevel): number {
  return fround(sigma / alpha);
}

/** Weight of each noise, newest first: the integral of its Lagrange polynomial from the present rho to the next. */
function secondOrder(to: number, [r0 = 0, r1 = 0]: readonly number[]): number[] {
  const integral = (t: number, b: number, c: number): number => {
    const numerator = fround(t * fround(fround(-numpyLog32(c) + numpyLog32(t)) - 1));
    return fround(numerator / fround(numpyLog32(b) - numpyLog32(c)));
  };
  return [fround(integral(to, r0, r1) - integral(r0, r0, r1)), fround(integral(to, r1, r0) - integral(r0, r1, r0))];
}

function thirdOrder(to: number, [r0 = 0, r1 = 0, r2 = 0]: readonly number[]): number[] {
  const weight = (b: number, c: number, d: number): number => fround(cubicIntegral(to, b, c, d) - cubicIntegral(r0, b, c, d));
  return [weight(r0, r1, r2), weight(r1, r2, r0), weight(r2, r0, r1)];
}

function cubicIntegral(t: number, b: number, c: number, d: number): number {
  const [lt, lb, lc, ld] = [numpyLog32(t), numpyLog32(b), numpyLog32(c), numpyLog32(d)];
  const first = fround(lc * fround(fround(ld - lt) + 1));
  const second = fround(fround(fround(first - fround(ld * lt)) + ld) + fround(lt * lt));
  const numerator = fround(t * fround(fround(second - fround(2 * lt)) + 2));
  return fround(numerator / fround(fround(lb - lc) * fround(lb - ld)));
}
