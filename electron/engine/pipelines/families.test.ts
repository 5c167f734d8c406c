import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyModelFolder, type TinyVariant } from '../../../e2e/parity/tiny/folder.ts';
import type { Condition, ModelExtras } from '../guidance/condition.ts';
import { openSession } from '../ort/session.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { steadyValues } from '../tensor/steadyValues.ts';
import { elementCount, sliceRows, tensor, type Tensor } from '../tensor/tensor.ts';
import type { Pipeline } from './pipeline.ts';
import { openPipeline } from './registry.ts';
import { unetFacts, unetModel } from './unetModel.ts';
import { relativeDifference } from './verify.ts';

const made: string[] = [];
afterAll(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true });
});

/** Opens a tiny model after its files were changed. */
async function open(variant: TinyVariant, change: (edit: Edit) => Promise<void> = () => Promise.resolve()): Promise<Pipeline> {
  const folder = await tinyModelFolder(variant);
  made.push(folder);
  await change(async (name, values) => {
    const file = join(folder, name);
    await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...values }));
  });
  return openPipeline({ folder, openSession: (file) => openSession(file, 'cpu'), onPart: () => undefined });
}
type Edit = (name: string, values: Readonly<Record<string, unknown>>) => Promise<void>;

describe('what a model can do', () => {
  it.each<[TinyVariant, object]>([
    ['sd', { family: 'sd', tasks: ['text-to-image', 'image-to-image', 'inpaint'], forceZerosForEmptyPrompt: false }],
    ['sd-inpaint', { family: 'sd', tasks: ['inpaint'], unet: { channels: 9, guidanceWidth: null, tokens: null } }],
    ['sd-lcm', { family: 'sd', tasks: ['text-to-image', 'image-to-image', 'inpaint'], unet: { channels: 4, guidanceWidth: expect.any(Number) as number, tokens: null } }],
    ['sdxl', { family: 'sdxl', tasks: ['text-to-image', 'image-to-image', 'inpaint'], forceZerosForEmptyPrompt: true, requiresAestheticsScore: false }],
    ['sdxl-inpaint', { family: 'sdxl', tasks: ['inpaint'] }],
    ['sdxl-refiner', { family: 'sdxl', tasks: ['image-to-image', 'inpaint'], requiresAestheticsScore: true }],
  ])('%s', async (variant, facts) => {
    const pipeline = await open(variant);
    expect(pipeline).toMatchObject(facts);
    await pipeline.release();
  });

  it('does not depend on which of its pipelines was exported, nor by what', async () => {
    const given: [TinyVariant, string][] = [
      ['sd', 'ORTStableDiffusionPipeline'],
      ['sd', 'OnnxStableDiffusionPipeline'],
      ['sd', 'OnnxStableDiffusionImg2ImgPipeline'],
      ['sd', 'StableDiffusionInpaintPipeline'],
      ['sd', 'ORTLatentConsistencyModelPipeline'],
      ['sd', 'LatentConsistencyModelImg2ImgPipeline'],
      ['sd', 'ORTDiffusionPipeline'],
      ['sdxl', 'ORTStableDiffusionXLImg2ImgPipeline'],
      ['sdxl', 'StableDiffusionXLPipeline'],
      ['sdxl', 'DiffusionPipeline'],
    ];
    for (const [variant, className] of given) {
      const named = await open(variant, (edit) => edit('model_index.json', { _class_name: className }));
      expect([className, named.family]).toEqual([className, variant]);
      await named.release();
    }
    const pipeline = await open('sdxl', (edit) =>
      edit('model_index.json', { _class_name: 'ORTStableDiffusionXLInpaintPipeline', force_zeros_for_empty_prompt: false }),
    );
    expect(pipeline).toMatchObject({ family: 'sdxl', forceZerosForEmptyPrompt: false, tasks: ['text-to-image', 'image-to-image', 'inpaint'] });
    await pipeline.release();
  });

  it('is nothing with a UNet of other channels', async () => {
    const odd = open('sd', (edit) => edit('unet/config.json', { in_channels: 8 }));
    await expect(odd).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('8 channels') as unknown });
  });

  it('needs every text encoder that model_index.json names', async () => {
    const both = open('sdxl-refiner', (edit) => edit('model_index.json', { text_encoder: ['transformers', 'CLIPTextModel'] }));
    await expect(both).rejects.toMatchObject({ code: 'MODEL_PARTS', message: expect.stringContaining('text_encoder/model.onnx') as unknown });
  });
});

it('diffusers changes the scheduler of SD models by task, and of no SDXL model', async () => {
  const spoilt = { steps_offset: 0, clip_sample: true, skip_prk_steps: false };
  const sd = await open('sd', (edit) => edit('scheduler/scheduler_config.json', spoilt));
  expect(sd.schedulerFile('text-to-image')).toMatchObject({ steps_offset: 1, clip_sample: false, skip_prk_steps: false });
  expect(sd.schedulerFile('image-to-image')).toMatchObject({ steps_offset: 1, clip_sample: false, skip_prk_steps: false });
  expect(sd.schedulerFile('inpaint')).toMatchObject({ steps_offset: 1, clip_sample: true, skip_prk_steps: true });
  const sdxl = await open('sdxl', (edit) => edit('scheduler/scheduler_config.json', spoilt));
  expect(sdxl.schedulerFile('inpaint')).toMatchObject(spoilt);
  await Promise.all([sd.release(), sdxl.release()]);
});

const steady = (dims: readonly number[], scale: number): Tensor => tensor(dims, steadyValues(elementCount(dims), scale));

it.each<TinyVariant>(['sd', 'sd-inpaint', 'sd-lcm', 'sdxl', 'sdxl-inpaint', 'sdxl-refiner'])('a batch through the UNet of %s is its rows', async (variant) => {
  const pipeline = await open(variant);
  const text = await pipeline.prompts.encode('a house', { syntax: 'plain', clipSkip: 0, chunks: 1 });
  const isXl = pipeline.family === 'sdxl';
  const both: [Condition, ModelExtras] = [
    {
      promptEmbeds: steady([2, ...text.embeds.dims.slice(1)], 1),
      pooled: isXl ? steady([2, ...(text.pooled?.dims.slice(1) ?? [])], 1) : null,
      timeIds: isXl ? steady([2, pipeline.requiresAestheticsScore ? 5 : 6], 100) : null,
    },
    {
      mask: steady([2, 1, 8, 8], 1),
      maskedImageLatents: steady([2, 4, 8, 8], 2),
      timestepCond: pipeline.unet.guidanceWidth === null ? null : steady([2, pipeline.unet.guidanceWidth], 1),
    },
  ];
  const rowOf = <T extends object>(value: T, row: number): T =>
    Object.fromEntries(Object.entries(value).map(([name, part]: [string, Tensor | null]) => [name, part === null ? null : sliceRows(part, row, row + 1)])) as T;
  const sample = steady([2, 4, 8, 8], 1.5);
  const together = await pipeline.noiseModel(sample, 500, ...both);
  expect(together.dims).toEqual(sample.dims);
  for (const row of [0, 1]) {
    const alone = await pipeline.noiseModel(sliceRows(sample, row, row + 1), 500, rowOf(both[0], row), rowOf(both[1], row));
    expect(relativeDifference(sliceRows(together, row, row + 1), alone)).toBeLessThan(1e-4);
  }
  await pipeline.release();
});

describe('a UNet without a config', () => {
  const fake = (inputs: ModelSession['inputs']): ModelSession => ({
    inputs,
    outputs: [],
    run: () => Promise.resolve({}),
    release: () => Promise.resolve(),
  });
  const silent = { levels: 4, channels: null, guidanceWidth: null };
  const input = (name: string, dims: readonly (number | string)[]) => ({ name, type: 'float32', dims });

  it('is known by its inputs', () => {
    expect(unetFacts(silent, fake([input('sample', ['batch', 9, 'h', 'w'])]))).toEqual({ channels: 9, guidanceWidth: null, tokens: null });
    expect(unetFacts(silent, fake([input('sample', ['batch', 'c', 'h', 'w']), input('timestep_cond', ['batch', 256])]))).toEqual({
      channels: 4,
      guidanceWidth: 256,
      tokens: null,
    });
    expect(unetFacts({ ...silent, channels: 4 }, fake([input('sample', ['batch', 9, 'h', 'w'])])).channels).toBe(4);
  });

  it('is refused where an input is missing that every UNet has', () => {
    const session = fake([input('sample', []), input('timestep', [])]);
    expect(() => unetModel(session, { channels: 4, guidanceWidth: null, tokens: null }, 4)).toThrow(/no input "encoder_hidden_states"/);
  });
});
