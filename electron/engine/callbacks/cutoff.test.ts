import { describe, expect, it } from 'vitest';
import { guidedSteps as guidedStepsOf } from '../../../shared/generation.ts';
import type { SchedulerId } from '../../../shared/samplers.ts';
import { guidedCount, runWith, scalesOf } from '../testing/callbackRig.ts';
import { cfgCutoff } from './cfgCutoff.ts';
import { guidanceCurve } from './guidanceCurve.ts';
import { guidanceInterval } from './guidanceInterval.ts';
import { guidedSteps } from './guidedSteps.ts';

describe('cutoff by ratio', () => {
  // trunc(N * 0.4) as diffusers' callback works it out.
  it.each([[1, 0], [2, 0], [3, 1], [4, 1], [5, 2], [10, 4], [15, 6], [20, 8], [25, 10], [28, 11], [30, 12], [50, 20]])(
    '0.4 of %i steps fires at the end of step %i',
    async (steps, cutoff) => {
      const result = await runWith([cfgCutoff({ cutoffStepRatio: 0.4 })], { steps });
      expect(result.steps.map(({ guided }) => guided)).toEqual(Array.from({ length: steps }, (_, index) => index <= cutoff));
      expect(guidedStepsOf({ kind: 'ratio', ratio: 0.4 }, steps)).toBe(cutoff + 1);
    },
  );

  it.each([[0, 1], [0.5, 6], [0.99, 10], [1, 10]])('%f of 10 steps guides %i', async (cutoffStepRatio, guided) => {
    expect(guidedCount(await runWith([cfgCutoff({ cutoffStepRatio })]))).toBe(guided);
  });

  it.each<[SchedulerId, number, number]>([['heun', 19, 8], ['dpm2', 19, 8], ['pndm', 19, 8], ['dpmpp_2m', 10, 5]])(
    'counts what %s really runs: %i model calls, %i of them guided',
    async (scheduler, total, guided) => {
      const result = await runWith([cfgCutoff({ cutoffStepRatio: 0.4 })], { scheduler });
      expect([result.steps.length, guidedCount(result)]).toEqual([total, guided]);
    },
  );

  it('shrinks the model\'s batch from 2B to B for every B', async () => {
    for (const rows of [1, 2, 3]) {
      const { calls } = await runWith([cfgCutoff({ cutoffStepRatio: 0.4 })], { rows });
      expect(calls.map((call) => call.rows)).toEqual([...new Array<number>(5).fill(2 * rows), ...new Array<number>(5).fill(rows)]);
      // All prompts are kept, the negative ones go: rows of 4.00, 4.01, ...
      expect(calls[5]?.condition.promptEmbeds.dims).toEqual([rows, 3, 2]);
      expect(calls[5]?.condition.promptEmbeds.data.at(-1)).toBeCloseTo(4 + (rows - 1) / 100, 6);
      expect(calls[0]?.condition.promptEmbeds.data[0]).toBe(-2);
    }
  });
});

describe('cutoff by index', () => {
  it.each([[0, 1], [3, 4], [9, 10], [10, 10]])('%i guides %i steps', async (cutoffStepIndex, guided) => {
    expect(guidedCount(await runWith([cfgCutoff({ cutoffStepIndex })]))).toBe(guided);
  });

  it('one less than the number of guided steps', async () => {
    expect(guidedCount(await runWith([guidedSteps(4)]))).toBe(4);
    expect(guidedCount(await runWith([guidedSteps(1)]))).toBe(1);
    expect(guidedCount(await runWith([guidedSteps(40)]))).toBe(10);
  });
});

it('what is no cutoff is refused before anything runs', () => {
  const both = { cutoffStepRatio: 0.5, cutoffStepIndex: 3 };
  const outside = [{ cutoffStepRatio: 1.1 }, { cutoffStepRatio: NaN }, { cutoffStepIndex: 1.5 }, { cutoffStepIndex: -1 }];
  for (const options of [{}, both, ...outside]) {
    expect(() => cfgCutoff(options)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }) as Error);
  }
  expect(() => guidedSteps(0)).toThrow(/whole number from 1/);
  expect(() => guidanceInterval(5, { sigmaLow: 3, sigmaHigh: 2 })).toThrow(/sigmaLow <= sigmaHigh/);
});

describe('a scale that changes', () => {
  it('runs along its curve from the second step on, and ends where a cutoff after it says', async () => {
    const curve = guidanceCurve(9, { kind: 'linear', to: 1.8 });
    const scales = scalesOf(await runWith([curve], { guidanceScale: 9 }));
    scales.forEach((scale, index) => expect(scale).toBeCloseTo(9 - 0.8 * index, 10));
    const cut = scalesOf(await runWith([curve, cfgCutoff({ cutoffStepIndex: 2 })], { guidanceScale: 9 }));
    [9, 8.2, 7.4, 1, 1, 1, 1, 1, 1, 1].forEach((scale, index) => expect(cut[index]).toBeCloseTo(scale, 10));
    expect(scalesOf(await runWith([guidanceCurve(9, { kind: 'list', scales: [9, 6, 3] })], { guidanceScale: 9, steps: 5 }))).toEqual([9, 6, 3, 3, 3]);
  });

  it('is on only where the noise level lies within the interval', async () => {
    const result = await runWith([guidanceInterval(7, { sigmaLow: 1, sigmaHigh: 5 })], { guidanceScale: 1 });
    expect(result.steps.map(({ sigma }) => Number(sigma.toFixed(3)))).toEqual([14.615, 7.84, 4.609, 2.918, 1.95, 1.345, 0.932, 0.625, 0.369, 0.029]);
    expect(scalesOf(result)).toEqual([1, 1, 7, 7, 7, 7, 1, 1, 1, 1]);
  });
});
