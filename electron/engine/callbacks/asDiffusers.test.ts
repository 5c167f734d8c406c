import { describe, expect, it } from 'vitest';
import { concatRows, mapTensor, sliceRows, type Tensor } from '../tensor/tensor.ts';
import { asDiffusers, type DiffusersCallback, type DiffusersKwargs, diffusersTensorInputs } from './asDiffusers.ts';
import { embeds, filled, guidedCount, runWith, scalesOf } from '../testing/callbackRig.ts';

/** Python's `tensor.chunk(2)[-1]`. */
const secondHalf = (value: Tensor | undefined): Tensor => {
  if (value === undefined) throw new Error('not given');
  const rows = value.dims[0] ?? 0;
  return sliceRows(value, rows / 2, rows);
};
const xl = (rows: number): Partial<Record<string, Tensor>> => ({
  add_text_embeds: filled([rows, 4], 1),
  negative_add_text_embeds: filled([rows, 4], -1),
  add_time_ids: filled([rows, 6], 64),
  negative_add_time_ids: filled([rows, 6], 32),
});
const inpaint = (rows: number): Partial<Record<string, Tensor>> => ({
  mask: filled([rows, 1, 2, 2], 1),
  masked_image_latents: filled([rows, 4, 2, 2], 0.5),
});

describe('kwargs of diffusers', () => {
  it.each([1, 2, 3])('are [negative, positive] while guidance is on and halves after, %i rows', async (rows) => {
    const asked = diffusersTensorInputs.StableDiffusionXLInpaintPipeline;
    const seen: string[][] = [];
    const values: (number | undefined)[][] = [];
    const { calls } = await runWith([
      asDiffusers((pipe, i, _t, kwargs) => {
        seen.push(Object.entries(kwargs).map(([name, value]) => `${name} ${value.dims[0]}`));
        values.push([kwargs.prompt_embeds?.data[0], kwargs.prompt_embeds?.data.at(-1), kwargs.add_time_ids?.data[0], kwargs.add_time_ids?.data.at(-1)]);
        if (i !== Math.trunc(pipe.numTimesteps * 0.4)) return {};
        pipe.guidanceScale = 0;
        const { prompt_embeds, add_text_embeds, add_time_ids, mask, masked_image_latents } = kwargs;
        return {
          prompt_embeds: secondHalf(prompt_embeds),
          add_text_embeds: secondHalf(add_text_embeds),
          add_time_ids: secondHalf(add_time_ids),
          mask: secondHalf(mask),
          masked_image_latents: secondHalf(masked_image_latents),
        };
      }, { tensorInputs: asked, pipeline: 'StableDiffusionXLInpaintPipeline' }),
    ], { rows, tensors: { ...xl(rows), ...inpaint(rows) } });
    const twice = asked.map((name) => `${name} ${name === 'latents' ? rows : 2 * rows}`);
    expect(seen).toEqual([...new Array<string[]>(5).fill(twice), ...new Array<string[]>(5).fill(asked.map((name) => `${name} ${rows}`))]);
    expect(values[0]).toEqual([-2, expect.closeTo(4 + (rows - 1) / 100), 32, 64]);
    expect(values[5]).toEqual([4, expect.closeTo(4 + (rows - 1) / 100), 64, 64]);
    expect(calls.map((call) => call.rows)).toEqual([...new Array<number>(5).fill(2 * rows), ...new Array<number>(5).fill(rows)]);
  });

  it('come in the order asked for', async () => {
    let order: string[] = [];
    const keep: DiffusersCallback = (_pipe, _i, _t, kwargs) => {
      order = Object.keys(kwargs);
      return kwargs;
    };
    const plain = await runWith([]);
    const result = await runWith([asDiffusers(keep, { tensorInputs: ['negative_prompt_embeds', 'prompt_embeds', 'latents'] })]);
    expect(order).toEqual(['negative_prompt_embeds', 'prompt_embeds', 'latents']);
    // Giving everything back as it came changes nothing.
    expect(result.latents).toEqual(plain.latents);
    expect(result.calls).toEqual(plain.calls);
  });

  it('are refused by name where the pipeline has none such', async () => {
    const asked = { tensorInputs: ['latents', 'negative_prompt_embeds'] } as const;
    expect(() => asDiffusers(() => ({}), { ...asked, pipeline: 'StableDiffusionXLPipeline' })).toThrow(
      'StableDiffusionXLPipeline has no negative_prompt_embeds; it has latents, prompt_embeds, add_text_embeds, add_time_ids.',
    );
    await expect(runWith([asDiffusers(() => ({}), { tensorInputs: ['mask'] })])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a callback of diffusers', () => {
  it('changes both halves of the prompt', async () => {
    const { calls } = await runWith([
      asDiffusers((_pipe, i, _t, { prompt_embeds }): DiffusersKwargs =>
        i === 0 && prompt_embeds !== undefined ? { prompt_embeds: mapTensor(prompt_embeds, (value) => value * 10) } : {},
        { tensorInputs: ['prompt_embeds'] }),
    ], { steps: 2 });
    expect([...(calls[1]?.condition.promptEmbeds.data ?? [])]).toEqual([...new Array<number>(6).fill(-20), ...new Array<number>(6).fill(40)]);
  });

  it('may switch guidance off without halving, and on again with the stack', async () => {
    const seen: number[] = [];
    const result = await runWith([
      asDiffusers((pipe, i, _t, { prompt_embeds, negative_prompt_embeds }) => {
        seen.push(pipe.guidanceScale);
        if (i === 2) pipe.guidanceScale = 0;
        if (i !== 5 || prompt_embeds === undefined || negative_prompt_embeds === undefined) return {};
        pipe.guidanceScale = 7;
        return { prompt_embeds: concatRows([negative_prompt_embeds, prompt_embeds]) };
      }, { tensorInputs: ['prompt_embeds', 'negative_prompt_embeds'] }),
    ]);
    expect(seen).toEqual([5, 5, 5, 0, 0, 0, 7, 7, 7, 7]);
    expect(scalesOf(result)).toEqual([5, 5, 5, 1, 1, 1, 7, 7, 7, 7]);
    expect(result.calls.map((call) => call.rows)).toEqual([2, 2, 2, 1, 1, 1, 2, 2, 2, 2]);
  });

  it('interrupts where it says', async () => {
    const result = await runWith([
      asDiffusers((pipe, i) => {
        pipe.interrupt = i === 10;
        return {};
      }),
    ], { steps: 20 });
    expect(result).toMatchObject({ status: 'interrupted' });
    expect(result.steps).toHaveLength(11);
  });

  it('finds a changed negative_prompt_embeds without effect, as there', async () => {
    const { calls } = await runWith([asDiffusers(() => ({ negative_prompt_embeds: embeds(9) }), { tensorInputs: ['negative_prompt_embeds'] })], { steps: 2 });
    expect(calls[1]?.condition.promptEmbeds.data[0]).toBe(-2);
  });

  it('that gives back what fits nowhere fails the run, saying what would', async () => {
    const failing = (callback: DiffusersCallback, rows = 2): Promise<unknown> =>
      runWith([asDiffusers(callback, { tensorInputs: ['prompt_embeds'] })], { rows });
    const error = (message: RegExp): object => ({ code: 'CALLBACK', message: expect.stringMatching(message) as unknown });
    // The official cutoff's `[-1:]` keeps one row of a batch.
    await expect(failing((pipe, _i, _t, { prompt_embeds }) => {
      pipe.guidanceScale = 0;
      return { prompt_embeds: sliceRows(prompt_embeds ?? embeds(0), 3, 4) };
    })).rejects.toMatchObject(error(/\[1, 3, 2\]; a batch of 2 needs 2 or 4 rows/));
    const halving: DiffusersCallback = (_pipe, _i, _t, { prompt_embeds }) => ({ prompt_embeds: secondHalf(prompt_embeds) });
    await expect(failing(halving)).rejects.toMatchObject(error(/needs 4 rows while guidance is on/));
    await expect(failing(() => ({ latents: filled([2, 4, 2, 2], 0) }))).rejects.toMatchObject(error(/latents, which it did not ask for/));
  });

  it('with the official cutoffs\' arithmetic guides as many steps as cfgCutoff', async () => {
    for (const steps of [1, 5, 10, 28]) {
      const result = await runWith([
        asDiffusers((pipe, i, _t, { prompt_embeds }) => {
          if (i !== Math.trunc(pipe.numTimesteps * 0.4)) return {};
          pipe.guidanceScale = 0;
          return { prompt_embeds: secondHalf(prompt_embeds) };
        }, { tensorInputs: ['prompt_embeds'], pipeline: 'StableDiffusionPipeline' }),
      ], { steps });
      expect(guidedCount(result)).toBe(Math.trunc(steps * 0.4) + 1);
    }
  });
});
