import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { embeds, filled, guidedCount, runWith, scalesOf } from '../testing/callbackRig.ts';
import type { StepCallback } from './callback.ts';
import { cfgCutoff } from './cfgCutoff.ts';
import {
  draw,
  dynamicCfg,
  dynamicCfgOfDiffusers,
  fadePromptTo,
  freeMaskAfter,
  latentsToRgb,
  readyMade,
  showEachStep,
  stopAfterTen,
  stopAtIndexTen,
  weightPromptFrom,
} from '../testing/guideExamples.ts';
import { guidedSteps } from './guidedSteps.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

it('the guide shows the code that is run here, all of it and nothing else', () => {
  const shown = [...read('GUIDE.md').matchAll(/```(\w*)\n([\s\S]*?)\n```/g)].map(([, language, code]) => `${language}: ${code}`);
  const run = [...read('../testing/guideExamples.ts').matchAll(/\/\/ #region [\w-]+\n([\s\S]*?)\n\/\/ #endregion/g)].map(([, code]) => `ts: ${code}`);
  expect(run.length).toBeGreaterThan(8);
  expect(shown).toEqual(run);
});

it('a run with callbacks gives its pictures, and throws what went wrong', async () => {
  const folder = await writeTinyModel();
  const plain = await draw(folder, []);
  expect(plain.map(({ width, height }) => [width, height])).toEqual([[512, 512]]);
  expect((await draw(folder, [dynamicCfg]))[0]?.rgb).not.toEqual(plain[0]?.rgb);
  expect(await draw(folder, [stopAfterTen])).toEqual([]);
  await expect(draw(folder, [freeMaskAfter(0.5)])).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('mask') as unknown });
});

describe('guidance off after 40 %', () => {
  it('is the same in both ways of writing it, and as the ready-made one', async () => {
    for (const rows of [1, 3]) {
      const results = await Promise.all(
        [dynamicCfg, dynamicCfgOfDiffusers, cfgCutoff({ cutoffStepRatio: 0.4 })].map((callback) => runWith([callback], { steps: 50, rows })),
      );
      for (const result of results) {
        expect(guidedCount(result)).toBe(21);
        expect(result.latents).toEqual(results[0]?.latents);
      }
    }
  });

  it('guides as many steps as the table says', async () => {
    const guided = async (callback: Parameters<typeof runWith>[0][number]): Promise<number> => guidedCount(await runWith([callback]));
    for (const callback of [cfgCutoff({ cutoffStepRatio: 0 }), cfgCutoff({ cutoffStepIndex: 0 }), guidedSteps(1)]) expect(await guided(callback)).toBe(1);
    for (const callback of [cfgCutoff({ cutoffStepRatio: 0.4 }), cfgCutoff({ cutoffStepIndex: 4 }), guidedSteps(5)]) expect(await guided(callback)).toBe(5);
    expect(await guided(guidedSteps(4))).toBe(4);
    expect(await guided(cfgCutoff({ cutoffStepRatio: 1 }))).toBe(10);
  });
});

it('a stop after the tenth step runs ten, at i == 10 eleven', async () => {
  expect((await runWith([stopAfterTen], { steps: 50 })).steps).toHaveLength(10);
  expect((await runWith([stopAtIndexTen], { steps: 50 })).steps).toHaveLength(11);
});

it('every step is shown, one picture a row', async () => {
  const shown: number[][] = [];
  await runWith([showEachStep((images, stepIndex) => shown.push([stepIndex, images.length, images[0]?.width ?? 0]))], { steps: 3, rows: 2 });
  expect(shown).toEqual([[0, 2, 2], [1, 2, 2], [2, 2, 2]]);
  // By the matrix: R = 60 - 120 + 75 - 280 + 150, G = 60 - 10 + 45 - 200 + 140, B = 60 + 20 - 15 - 140 + 130.
  expect([...(latentsToRgb({ dims: [1, 4, 1, 1], data: Float32Array.of(1, 2, 3, 4) })[0]?.rgb ?? [])]).toEqual([0, 35, 55]);
});

it('a prompt fades, step by step', async () => {
  const { calls } = await runWith([fadePromptTo(embeds(8))], { steps: 4, guidanceScale: 1 });
  expect(calls.map(({ condition }) => condition.promptEmbeds.data[0])).toEqual([4, 5, 6, 7]);
});

it('a weight counts from its step on, measured from the negative prompt', async () => {
  const { calls } = await runWith([weightPromptFrom(2, 1.5)], { steps: 4, guidanceScale: 1 });
  expect(calls.map(({ condition }) => condition.promptEmbeds.data[0])).toEqual([4, 4, 7, 7]);
});

it('a mask is freed in the middle of a run', async () => {
  const seen: (number | undefined)[] = [];
  const look: StepCallback = {
    name: 'look',
    callbackOnStepEndTensorInputs: ['mask'],
    callbackOnStepEnd(_run, _index, _timestep, { mask }) {
      seen.push(mask?.data[0]);
      return undefined;
    },
  };
  await runWith([look, freeMaskAfter(0.4)], { steps: 5, tensors: { mask: filled([1, 1, 2, 2], 0), masked_image_latents: filled([1, 4, 2, 2], 0) } });
  expect(seen).toEqual([0, 0, 0, 1, 1]);
});

it('the ready-made ones go together', async () => {
  const saved: number[] = [];
  const result = await runWith(readyMade((_latents, stepIndex) => saved.push(stepIndex)), { steps: 50, guidanceScale: 7.5 });
  expect(saved).toEqual(Array.from({ length: 30 }, (_, index) => index));
  expect(result.steps).toHaveLength(30);
  const guided = result.steps.filter((step) => step.guided).map(({ stepIndex, sigma }) => [stepIndex, sigma] as const);
  // Beside the first, which the run itself guides, only those below sigma 5 and before the cutoff.
  expect(guided.slice(1).every(([, sigma]) => sigma <= 5)).toBe(true);
  expect(guided.at(-1)?.[0]).toBe(19);
  expect(new Set(scalesOf(result))).toEqual(new Set([7.5, 1]));
});
