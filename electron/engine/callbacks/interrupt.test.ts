import { expect, it } from 'vitest';
import { filled, runWith } from '../testing/callbackRig.ts';
import { type InterruptPoint, interruptAtStep } from './interruptAtStep.ts';
import { saveLatents, type SavedLatents } from './saveLatents.ts';

it('interrupts after so many steps, or at the end of the step with that index', async () => {
  const ran = async (point: InterruptPoint): Promise<number> => (await runWith([interruptAtStep(point)], { steps: 20 })).steps.length;
  expect(await ran({ steps: 10 })).toBe(10);
  expect(await ran({ stepIndex: 10 })).toBe(11);
  expect(await ran({ steps: 50 })).toBe(20);
  expect(await runWith([interruptAtStep({ steps: 10 })])).toMatchObject({ status: 'finished' });
  expect(() => interruptAtStep({ steps: 0 })).toThrow(/one step or more/);
});

it('saves a copy of the latents of every step, as earlier callbacks left them', async () => {
  const saved: SavedLatents[] = [];
  const result = await runWith([
    {
      name: 'zero',
      callbackOnStepEnd: ({ latents }, index) => (index === 1 ? { tensors: { latents: filled(latents.dims, 0) } } : undefined),
    },
    saveLatents(async (step) => {
      await Promise.resolve();
      saved.push(step);
    }),
  ], { steps: 3 });
  expect(saved.map(({ stepIndex, sigma }) => [stepIndex, Number(sigma.toFixed(3))])).toEqual([[0, 14.615], [1, expect.any(Number)], [2, expect.any(Number)]]);
  expect(saved[1]?.latents.data.every((value) => value === 0)).toBe(true);
  expect(saved[2]?.latents).toEqual(result.latents);
  expect(saved[2]?.latents.data).not.toBe(result.latents.data);
});
