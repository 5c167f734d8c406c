import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepTensors, TensorInputName } from '../../electron/engine/callbacks/callback.ts';
import { createRig, type Rig } from '../../electron/engine/testing/engineRig.ts';
import type { Tensor } from '../../electron/engine/tensor/tensor.ts';
import { tinyModelFolder, tinyVariants } from './tiny/folder.ts';
import { goldenBytes, type GoldenCase, goldenCases, goldenFloats, type GoldenTensor } from './tiny/goldens.ts';
import { beyondRequest, refused, requestOf } from './tiny/request.ts';
import { type OurRun, runCase, type SeenStep } from './tiny/run.ts';

/**
 * The engine against diffusers' own pipelines on the same weights (see e2e/fixtures/tiny/README.md), the whole way from the
 * prompt to the pixels. Two correct runs lie some 2e-6 apart; with nine channels 4e-5, since torch's own VAE encoder is 3e-5
 * from its float64 result where the masked picture is flat.
 */
const latentsBar = 1e-4;
const pixelsBar = 0.999;

/** Largest difference over the largest value. */
function relative(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length) return Infinity;
  let [difference, largest] = [0, 0];
  for (const [index, value] of theirs.entries()) {
    difference = Math.max(difference, Math.abs(value - (ours[index] ?? Number.NaN)));
    largest = Math.max(largest, Math.abs(value));
  }
  return Number.isNaN(difference) ? Infinity : difference / Math.max(largest, 1e-6);
}

const negativeTwins: Readonly<Partial<Record<string, TensorInputName>>> = {
  prompt_embeds: 'negative_prompt_embeds',
  add_text_embeds: 'negative_add_text_embeds',
  add_time_ids: 'negative_add_time_ids',
};

function joined(...tensors: readonly (Tensor | undefined)[]): Float32Array {
  return Float32Array.from(tensors.flatMap((one) => [...(one?.data ?? [])]));
}

/** Our tensor as diffusers holds it: while guidance is on, its rows are there twice or follow their negative twins. */
function asTheirs(tensors: StepTensors, name: TensorInputName, length: number): Float32Array {
  const own = tensors[name];
  if (own === undefined || own.data.length === length) return joined(own);
  const twin = negativeTwins[name];
  return joined(twin === undefined ? own : tensors[twin], own);
}

function checkCallback(golden: GoldenCase, steps: readonly SeenStep[]): void {
  const names = Object.keys(golden.callback ?? {}) as TensorInputName[];
  for (const [index, { tensors }] of steps.entries()) {
    expect(Object.keys(tensors).filter((name) => names.some((theirs) => theirs === name))).toEqual(names);
    for (const name of names) {
      const theirs: GoldenTensor | null | undefined = golden.callback?.[name];
      // diffusers gives no negative embeddings where nothing is guided; ours are there.
      if (theirs === null || theirs === undefined) continue;
      expect(theirs.dtype, name).toBe('float32');
      const ref = theirs.values[theirs.values.length === 1 ? 0 : index];
      if (ref === undefined) throw new Error(`No ${name} of step ${index}.`);
      const values = goldenFloats(ref);
      const ours = asTheirs(tensors, name, values.length);
      expect(relative(ours, values), `${name} of ${ref.dims.join(' x ')} at step ${index}`).toBeLessThanOrEqual(latentsBar);
    }
  }
}

/** A name of the LCM pipelines', which the SD pipeline gives to its UNet alone. */
function checkGuidanceEmbedding({ guidanceEmbedding }: GoldenCase, steps: readonly SeenStep[]): void {
  if (guidanceEmbedding === undefined) return;
  for (const { tensors } of steps) {
    expect(relative(joined(tensors.w_embedding), goldenFloats(guidanceEmbedding)), 'w_embedding').toBeLessThanOrEqual(latentsBar);
  }
}

function checkSchedule(golden: GoldenCase, steps: readonly SeenStep[]): void {
  const timesteps = steps.map(({ run }) => run.timestep);
  expect(steps.every(({ run }) => run.numTimesteps === golden.numTimesteps)).toBe(true);
  const apart = relative(Float32Array.from(timesteps), Float32Array.from(golden.timesteps));
  if (golden.timestepDtype === 'int64') expect(timesteps).toEqual(golden.timesteps);
  else expect(apart, 'timesteps').toBeLessThanOrEqual(1e-6);
  const { sigmas, args } = golden;
  if (sigmas === undefined || args.denoising_end !== undefined) return;
  const begin = sigmas.length - 1 - golden.numTimesteps;
  const theirs = Float32Array.from(sigmas.slice(begin, begin + steps.length));
  expect(relative(Float32Array.from(steps, ({ run }) => run.sigma), theirs), 'sigmas').toBeLessThanOrEqual(1e-5);
}

function checkPicture(golden: GoldenCase, { images }: OurRun): void {
  if (golden.lastPicture === undefined || golden.action?.kind === 'interrupt') return;
  const { width, height, rgb } = images.at(-1) ?? { width: 0, height: 0, rgb: new Uint8Array() };
  expect([height, width, 3]).toEqual(golden.lastPicture.dims);
  const theirs = goldenBytes(golden.lastPicture);
  const near = theirs.reduce((count, value, index) => count + (Math.abs(value - (rgb[index] ?? -9)) <= 1 ? 1 : 0), 0);
  expect(near / theirs.length, 'share of pixels').toBeGreaterThanOrEqual(pixelsBar);
}

for (const variant of tinyVariants) {
  describe(`a ${variant} model`, () => {
    let folder: string;
    let rig: Rig;
    beforeAll(async () => {
      folder = await tinyModelFolder(variant);
      rig = createRig(folder);
    });
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    const cases = goldenCases.filter((golden) => golden.variant === variant && !beyondRequest.has(golden.name));
    it.each(cases.filter(({ name }) => refused.has(name)))('$name is refused', async (golden) => {
      await expect(runCase(rig, golden)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: refused.get(golden.name) });
    });

    it.each(cases.filter(({ name }) => !refused.has(name)))('$name equals diffusers', async (golden) => {
      const run = await runCase(rig, golden);
      const { steps, final } = run;
      const rows = golden.final.dims[0] ?? 0;
      expect(steps.map(({ run: step }) => step.unetEvaluations * rows)).toEqual(golden.unetBatches);
      checkSchedule(golden, steps);
      checkCallback(golden, steps);
      checkGuidanceEmbedding(golden, steps);
      expect(relative(final, goldenFloats(golden.final)), 'the last latents').toBeLessThanOrEqual(latentsBar);
      checkPicture(golden, run);
    });
  });
}

it('a case is left out only where a request cannot say it', () => {
  const names = goldenCases.map(({ name }) => name);
  for (const name of [...beyondRequest.keys(), ...refused.keys()]) expect(names).toContain(name);
  for (const golden of goldenCases) {
    if (!beyondRequest.has(golden.name)) expect(() => requestOf(golden), golden.name).not.toThrow();
  }
});
