import { describe, expect, it } from 'vitest';
import type { StepCallback, StepEnd, StepPatch } from './callbacks/callback.ts';
import { denoise } from './denoise.ts';
import { combineGuidance, rescaleGuidance } from './guidance/combine.ts';
import type { Condition, ModelExtras, NoiseModel } from './guidance/condition.ts';
import { guidanceEmbedding } from './guidance/guidanceEmbedding.ts';
import { blendKnown } from './latents/blend.ts';
import { TorchGenerator } from './tensor/random.ts';
import { repeatRows, sliceRows, tensor, type Tensor } from './tensor/tensor.ts';
import { type Call, plan, rowModel, text } from './testing/loopRig.ts';

const callback = (onEnd: (run: StepEnd) => StepPatch | undefined): StepCallback => ({ name: 'test', callbackOnStepEnd: onEnd });
const noiseOf = (seed: string, rows = 1): Tensor => new TorchGenerator(seed).normal([rows, 4, 2, 2]);
/** Left column painted. */
const mask = (rows = 1): Tensor => repeatRows(tensor([1, 1, 2, 2], Float32Array.of(1, 0, 1, 0)), rows);
const outside = (latents: Tensor): number[] => Array.from(latents.data).filter((_, index) => index % 2 === 1);

describe('a part of the schedule', () => {
  it('is numbered from 0, and knows how loud the next step will be', async () => {
    const ends: StepEnd[] = [];
    const given = plan({ window: { begin: 4, end: 7 }, callbacks: [callback((run) => void ends.push(run) as undefined)] });
    expect((await denoise(given)).status).toBe('finished');
    expect(ends.map(({ stepIndex, numTimesteps }) => [stepIndex, numTimesteps])).toEqual([[0, 3], [1, 3], [2, 3]]);
    expect(ends.map(({ timestep }) => timestep)).toEqual(given.stepper.timesteps.slice(4, 7));
    expect(ends.map(({ nextSigma }) => nextSigma)).toEqual([ends[1]?.sigma, ends[2]?.sigma, null]);
  });
});

describe('a UNet that does not take the mask', () => {
  const run = async (scheduler: 'euler' | 'ddim' | 'heun', window?: { begin: number; end: number }) => {
    const seen: StepEnd[] = [];
    const known = { imageLatents: noiseOf('5'), noise: noiseOf('6') };
    const given = plan(
      {
        known,
        tensors: { mask: mask(), masked_image_latents: noiseOf('8') },
        callbacks: [callback((end) => void seen.push(end) as undefined)],
        ...(window === undefined ? {} : { window }),
      },
      4,
      scheduler,
    );
    const result = await denoise(given);
    return { seen, known, result, stepper: given.stepper, begin: window?.begin ?? 0 };
  };

  it.each(['euler', 'ddim', 'heun'] as const)('gets the picture back after every step of %s at the level of the next', async (scheduler) => {
    const { seen, known, result, stepper } = await run(scheduler);
    for (const { stepIndex, latents } of seen.slice(0, -1)) {
      expect(outside(latents)).toEqual(outside(stepper.addNoise(known.imageLatents, known.noise, stepIndex + 1)));
    }
    expect(outside(result.latents)).toEqual(outside(known.imageLatents));
    // The callback, and the estimate, see it put back already.
    expect(seen.at(-1)?.latents).toBe(result.latents);
    for (const { cleanEstimate } of seen) expect(outside(cleanEstimate)).toEqual(outside(known.imageLatents));
  });

  it('is left the clean picture where the run ends, be it in the middle of the schedule', async () => {
    const { known, result } = await run('euler', { begin: 1, end: 3 });
    expect(outside(result.latents)).toEqual(outside(known.imageLatents));
  });

  it('draws inside the mask what it would have drawn', async () => {
    const { seen, known } = await run('ddim');
    const free = await denoise(plan({ window: { begin: 0, end: 1 } }, 4, 'ddim'));
    const expected = blendKnown(free.latents, seen[0]?.latents ?? known.noise, mask());
    expect(seen[0]?.latents).toEqual(expected);
  });
});

describe('what the model is told', () => {
  const listening = (told: [Condition, ModelExtras][]): NoiseModel => (sample, _timestep, condition, extras) => {
    told.push([condition, extras]);
    return Promise.resolve(sample);
  };
  const row = (value: number, rows: number): Tensor => tensor([rows, 2], new Float32Array(2 * rows).fill(value));
  const tensors = {
    latents: noiseOf('1', 3),
    prompt_embeds: text(0.4, 3),
    negative_prompt_embeds: text(-0.2, 3),
    add_text_embeds: row(1, 3),
    negative_add_text_embeds: row(2, 3),
    add_time_ids: row(3, 3),
    negative_add_time_ids: row(4, 3),
    mask: mask(3),
    masked_image_latents: noiseOf('8', 3),
  };
  const firsts = (value: Tensor | null | undefined): number[] => {
    const rows = value?.dims[0] ?? 0;
    return Array.from({ length: rows }, (_, index) => value?.data[index * ((value.data.length) / rows)] ?? NaN);
  };

  it('in one call: negative rows before positive ones, mask and picture twice', async () => {
    const told: [Condition, ModelExtras][] = [];
    await denoise(plan({ model: listening(told), guidedCalls: 'one-batch', tensors }, 1));
    const [condition, extras] = told[0] ?? [];
    expect(told).toHaveLength(1);
    expect(firsts(condition?.pooled)).toEqual([2, 2, 2, 1, 1, 1]);
    expect(firsts(condition?.timeIds)).toEqual([4, 4, 4, 3, 3, 3]);
    expect(firsts(condition?.promptEmbeds).map((value) => Math.round(value * 10))).toEqual([-2, -2, -2, 4, 4, 4]);
    expect(extras?.mask).toEqual(mask(6));
    expect(extras?.maskedImageLatents?.dims).toEqual([6, 4, 2, 2]);
  });

  it('in two calls: each its own side, both the same mask and picture', async () => {
    const told: [Condition, ModelExtras][] = [];
    await denoise(plan({ model: listening(told), tensors }, 1));
    expect(told.map(([condition]) => firsts(condition.pooled))).toEqual([[2, 2, 2], [1, 1, 1]]);
    expect(told.map(([condition]) => firsts(condition.timeIds))).toEqual([[4, 4, 4], [3, 3, 3]]);
    expect(told.every(([, extras]) => extras.mask === tensors.mask && extras.maskedImageLatents === tensors.masked_image_latents)).toBe(true);
  });

  it.each(['one-batch', 'two-singles'] as const)('has the same rows throughout with %s, guidance switched off and on again', async (guidedCalls) => {
    const calls: Call[] = [];
    const told: [Condition, ModelExtras][] = [];
    const count = rowModel(calls);
    const scales = [1, 1, 7, 7, 1];
    const result = await denoise(plan({
      model: (sample, timestep, condition, extras) => {
        told.push([condition, extras]);
        return count(sample, timestep, condition, extras);
      },
      guidedCalls,
      tensors,
      callbacks: [callback(({ stepIndex }) => ({ guidanceScale: scales[stepIndex] ?? 1 }))],
    }, 6));
    expect(result.steps.map(({ unetEvaluations }) => unetEvaluations)).toEqual([2, 1, 1, 2, 2, 1]);
    const guided = guidedCalls === 'one-batch' ? [6] : [3, 3];
    expect(calls.map(({ rows }) => rows)).toEqual([...guided, 3, 3, ...guided, ...guided, 3]);
    for (const [index, [condition, extras]] of told.entries()) {
      const all = [condition.promptEmbeds, condition.pooled, condition.timeIds, extras.mask, extras.maskedImageLatents];
      expect(all.map((value) => value?.dims[0])).toEqual(all.map(() => calls[index]?.rows));
    }
  });

  it('a mask a callback replaces counts from the next step', async () => {
    const told: [Condition, ModelExtras][] = [];
    const empty = tensor([3, 1, 2, 2], new Float32Array(12));
    const swap: StepCallback = { name: 'swap', callbackOnStepEndTensorInputs: ['mask'], callbackOnStepEnd: () => ({ tensors: { mask: empty } }) };
    await denoise(plan({ model: listening(told), guidanceScale: 1, tensors, callbacks: [swap] }, 2));
    expect(told.map(([, extras]) => extras.mask)).toEqual([tensors.mask, empty]);
  });
});

describe('a UNet that is told its guidance scale', () => {
  it('is never called twice, and a callback may tell it another', async () => {
    const told: (Tensor | null)[] = [];
    const other = guidanceEmbedding(2, 8, 1);
    const change: StepCallback = {
      name: 'change',
      callbackOnStepEndTensorInputs: ['w_embedding'],
      callbackOnStepEnd: (_run, stepIndex) => ({ guidanceScale: 9, ...(stepIndex === 1 ? { tensors: { w_embedding: other } } : {}) }),
    };
    const embedding = guidanceEmbedding(8.5, 8, 1);
    const result = await denoise(plan({
      model: (sample, _timestep, _condition, { timestepCond }) => {
        told.push(timestepCond);
        return Promise.resolve(sample);
      },
      mayGuide: false,
      guidanceScale: 8.5,
      tensors: { w_embedding: embedding },
      callbacks: [change],
    }, 4));
    expect(told).toEqual([embedding, embedding, other, other]);
    expect(result.steps.every(({ guided, unetEvaluations }) => !guided && unetEvaluations === 1)).toBe(true);
  });
});

describe('rescaled guidance', () => {
  it('changes guided steps by rescaleGuidance, picture by picture, and no others', async () => {
    const outputs: Tensor[] = [];
    const halves: Tensor[] = [];
    const base = rowModel([]);
    const given = plan({
      tensors: { latents: noiseOf('1', 2), prompt_embeds: text(0.4, 2), negative_prompt_embeds: text(-0.2, 2) },
      guidanceRescale: 0.7,
      model: async (...input) => {
        const output = await base(...input);
        halves.push(output);
        return output;
      },
      callbacks: [callback(() => ({ guidanceScale: 1 }))],
    }, 2);
    const { stepper } = given;
    const step = stepper.step.bind(stepper);
    await denoise({ ...given, stepper: { ...stepper, step: (input) => {
      outputs.push(input.modelOutput);
      return step(input);
    } } });
    const [negative, positive, alone] = halves;
    if (negative === undefined || positive === undefined) throw new Error('no calls');
    const combined = combineGuidance(negative, positive, 5);
    const wanted = rescaleGuidance(combined, positive, 0.7);
    expect(sliceRows(wanted, 0, 1)).toEqual(rescaleGuidance(sliceRows(combined, 0, 1), sliceRows(positive, 0, 1), 0.7));
    expect(outputs).toEqual([wanted, alone]);
  });
});

it('a scheduler that clips shows what it clipped', async () => {
  const given = plan({}, 2, 'ddim');
  const shown = noiseOf('9');
  const result = await denoise({ ...given, stepper: { ...given.stepper, estimate: () => shown } });
  expect(result.cleanEstimate).toBe(shown);
});
