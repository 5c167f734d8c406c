import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asDiffusers, type DiffusersKwargs, type DiffusersPipe, type DiffusersTensorName, diffusersTensorInputs } from '../../electron/engine/callbacks/asDiffusers.ts';
import { checkpointsOf, createRig, ofKind, type Rig } from '../../electron/engine/testing/engineRig.ts';
import { mapTensor, sliceRows, type Tensor, tensor } from '../../electron/engine/tensor/tensor.ts';
import { tinyModelFolder, tinyVariants } from './tiny/folder.ts';
import { type GoldenAction, type GoldenCase, goldenCases, goldenFloats } from './tiny/goldens.ts';
import { beyondRequest, inputsOf, refused, requestOf } from './tiny/request.ts';

/**
 * Callbacks in diffusers' own convention, on our engine: what they are given and what comes of what they give back, against
 * what diffusers gave its callback (e2e/fixtures/tiny/README.md). Everything a callback does is done by it here, the cutoff
 * too, which the request could say.
 */
const bar = 1e-4;

function relative(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length) return Infinity;
  const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  return theirs.reduce((most, value, index) => Math.max(most, Math.abs(value - (ours[index] ?? Infinity))), 0) / largest;
}

function pipelineOf(golden: GoldenCase): keyof typeof diffusersTensorInputs {
  const names = Object.keys(diffusersTensorInputs) as (keyof typeof diffusersTensorInputs)[];
  const found = names.find((name) => name === golden.class);
  if (found === undefined) throw new Error(`no list for ${golden.class}`);
  return found;
}

/** Python's `tensor.chunk(2)[-1]`. */
function secondHalf(value: Tensor): Tensor {
  const rows = value.dims[0] ?? 0;
  return sliceRows(value, rows / 2, rows);
}

function act(golden: GoldenCase, action: GoldenAction, pipe: DiffusersPipe, i: number, kwargs: DiffusersKwargs): DiffusersKwargs {
  const stacked = Object.entries(kwargs).filter(([name]) => name !== 'latents' && name !== 'negative_prompt_embeds');
  switch (action.kind) {
    case 'cutoff':
      if (i !== Math.trunc(pipe.numTimesteps * action.ratio)) return kwargs;
      pipe.guidanceScale = 0;
      return Object.fromEntries(stacked.map(([name, value]) => [name, secondHalf(value)]));
    case 'interrupt':
      pipe.interrupt = i === action.step;
      return kwargs;
    case 'guidance':
      if (i === action.step) pipe.guidanceScale = action.scale;
      return {};
    case 'latents':
      if (!action.steps.includes(i) || kwargs.latents === undefined) return kwargs;
      return { latents: mapTensor(kwargs.latents, (value) => value * action.factor) };
    case 'prompt':
      if (i !== action.step) return kwargs;
      // What diffusers' callback finds from the next step on, both halves.
      return Object.fromEntries(stacked.flatMap(([name]) => {
        const ref = golden.callback?.[name]?.values[i + 1];
        return ref === undefined ? [] : [[name, tensor(ref.dims, goldenFloats(ref))]];
      }));
  }
}

for (const variant of tinyVariants) {
  const cases = goldenCases.filter((golden) => golden.variant === variant && golden.callback !== undefined && golden.args.guidance_scale > 1 && !beyondRequest.has(golden.name) && !refused.has(golden.name));
  describe.skipIf(cases.length === 0)(`callbacks of diffusers on a ${variant} model`, () => {
    let folder: string;
    let rig: Rig;
    beforeAll(async () => {
      folder = await tinyModelFolder(variant);
      rig = createRig(folder);
    });
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    it.each(cases)('$name', async (golden) => {
      const theirs = Object.entries(golden.callback ?? {});
      const tensorInputs = theirs.map(([name]) => name as DiffusersTensorName);
      let step = 0;
      const callback = asDiffusers((pipe, i, t, kwargs) => {
        expect(t).toBeCloseTo(golden.timesteps[i] ?? NaN, 2);
        expect(Object.keys(kwargs)).toEqual(tensorInputs);
        for (const [name, value] of theirs) {
          const ref = value?.values[value.values.length === 1 ? 0 : i];
          const ours = kwargs[name as DiffusersTensorName];
          if (ref === undefined || ours === undefined) continue;
          expect([name, i, ...ours.dims]).toEqual([name, i, ...ref.dims]);
          expect(relative(ours.data, goldenFloats(ref)), `${name} at step ${i}`).toBeLessThanOrEqual(bar);
        }
        step++;
        return golden.action === undefined ? kwargs : act(golden, golden.action, pipe, i, kwargs);
      }, { tensorInputs, pipeline: pipelineOf(golden) });
      const request = { ...requestOf(golden), guidanceEnd: { kind: 'never' } as const };
      const messages = await rig.generate({ request, inputs: inputsOf(golden.args) }, [callback]);
      expect(ofKind(messages, 'failed')).toEqual([]);
      expect(step).toBe(golden.unetBatches.length);
      const steps = ofKind(messages, 'step').map((message) => message.step.unetEvaluations * (golden.final.dims[0] ?? 0));
      expect(steps).toEqual(golden.unetBatches);
      const final = checkpointsOf(messages).at(-1)?.latents.data ?? new Float32Array();
      expect(relative(final, goldenFloats(golden.final)), 'the last latents').toBeLessThanOrEqual(bar);
    });
  });
}
