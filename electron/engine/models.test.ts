import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EngineMessage } from '../../shared/engineProtocol.ts';
import type { GenerationRequest } from '../../shared/generation.ts';
import type { Condition, ModelExtras } from './guidance/condition.ts';
import { openSession } from './ort/session.ts';
import { openPipeline } from './pipelines/registry.ts';
import { relativeDifference } from './pipelines/verify.ts';
import { concatRows, sliceRows, tensor, type Tensor } from './tensor/tensor.ts';
import { steadyValues } from './tensor/steadyValues.ts';
import { createRig, ofKind, tinyRequest } from './testing/engineRig.ts';
import { type TinyModelOptions, tinyWidth, writeTinyModel } from './testing/tinyModel.ts';

let folder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
});

const request = (change: Partial<GenerationRequest>): GenerationRequest => ({ ...tinyRequest, ...change });
const noExtras: ModelExtras = { mask: null, maskedImageLatents: null, timestepCond: null };
const told = (promptEmbeds: Tensor): Condition => ({ promptEmbeds, pooled: null, timeIds: null });
const last = (messages: readonly EngineMessage[]): EngineMessage | undefined => messages.at(-1);

it('a config with numbers only Python writes is read', async () => {
  const copy = await writeTinyModel();
  const file = join(copy, 'scheduler/scheduler_config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const python = JSON.stringify({ ...config, lambda_min_clipped: 0, note: 'NaN, -Infinity' }).replace('"lambda_min_clipped":0', '"lambda_min_clipped": -Infinity');
  await writeFile(file, python);
  expect(last(await createRig(copy).generate())?.kind).toBe('finished');
});

describe('exports of other times', () => {
  const variants: [string, TinyModelOptions][] = [
    ['timestep int64 scalar', { timestep: { type: 'int64', dims: [] } }],
    ['timestep int64 [1]', { timestep: { type: 'int64', dims: [1] } }],
    ['timestep float [batch]', { timestep: { type: 'float32', dims: ['batch'] } }],
    ['timestep float16 scalar', { timestep: { type: 'float16', dims: [] } }],
    ['input_ids int32', { idsType: 'int32' }],
  ];
  it.each(variants)('%s gives the same picture', async (_, options) => {
    // DDIM timesteps at 10 trailing steps are whole and small enough for half precision.
    const asked = { request: request({ scheduler: 'ddim' }) };
    const wanted = ofKind(await createRig(folder).generate(asked), 'finished')[0]?.images[0];
    const image = ofKind(await createRig(await writeTinyModel(options)).generate(asked), 'finished')[0]?.images[0];
    expect(image).toEqual(wanted);
  });

  it.each<[string, TinyModelOptions, number[]]>([
    ['timestep float scalar', { timestep: { type: 'float32', dims: [] } }, []],
    ['timestep int64 [1]', { timestep: { type: 'int64', dims: [1] } }, [1]],
    ['timestep float [steps]', { timestep: { type: 'float32', dims: ['steps'] } }, [1]],
    ['timestep int64 [batch]', { timestep: { type: 'int64', dims: ['batch'] } }, [2]],
    ['half precision throughout', { half: true }, []],
  ])('%s gives a batch what its rows would have had alone', async (_, options, timestepDims) => {
    const fed: unknown[] = [];
    const pipeline = await openPipeline({
      folder: await writeTinyModel(options),
      openSession: async (file) => {
        const session = await openSession(file, 'cpu');
        return {
          inputs: session.inputs,
          outputs: session.outputs,
          release: () => session.release(),
          run: (feeds) => {
            fed.push(feeds['timestep']?.dims);
            return session.run(feeds);
          },
        };
      },
      onPart: () => undefined,
    });
    const samples = tensor([2, 4, 8, 8], steadyValues(512, 1.5));
    const texts = [0.3, -0.6].map((value) => tensor([1, 77, tinyWidth], new Float32Array(77 * tinyWidth).fill(value)));
    const both = await pipeline.noiseModel(samples, 501, told(concatRows(texts)), noExtras);
    expect(fed).toEqual([timestepDims]);
    for (const [row, text] of texts.entries()) {
      const alone = await pipeline.noiseModel(sliceRows(samples, row, row + 1), 501, told(text), noExtras);
      expect(relativeDifference(sliceRows(both, row, row + 1), alone)).toBeLessThan(1e-3);
      const earlier = await pipeline.noiseModel(sliceRows(samples, row, row + 1), 101, told(text), noExtras);
      expect((alone.data[0] ?? NaN) - (earlier.data[0] ?? NaN)).toBeCloseTo(0.04, 2);
    }
    await pipeline.release();
  });

  it.each<[string, TinyModelOptions]>([
    ['', { half: true }],
    [' with int64 timesteps', { half: true, timestep: { type: 'int64', dims: ['batch'] } }],
  ])('a half-precision UNet%s gives nearly the same', async (_, options) => {
    const asked = { request: request({ scheduler: 'ddim' }) };
    const wanted = ofKind(await createRig(folder).generate(asked), 'finished')[0]?.images[0]?.rgb ?? [];
    const half = await createRig(await writeTinyModel(options)).generate(asked);
    const rgb = ofKind(half, 'finished')[0]?.images[0]?.rgb ?? [];
    expect(rgb.length).toBe(wanted.length);
    expect(Math.max(...Array.from(rgb, (value, index) => Math.abs(value - (wanted[index] ?? 0))))).toBeLessThanOrEqual(2);
  });
});

it('the steps offset of a Stable Diffusion model is 1 whatever its file says, as in diffusers', async () => {
  const scheduler = { beta_schedule: 'scaled_linear', timestep_spacing: 'leading', steps_offset: 0 };
  const messages = await createRig(await writeTinyModel({ scheduler })).generate({ request: request({ scheduler: 'ddim' }) });
  const timesteps = ofKind(messages, 'step').map(({ step }) => step.timestep);
  expect(timesteps).toEqual([901, 801, 701, 601, 501, 401, 301, 201, 101, 1]);
});

describe('bad models', () => {
  const failureOf = async (spoil: (copy: string) => Promise<void>, change: Partial<GenerationRequest> = {}) => {
    const copy = await mkdtemp(join(tmpdir(), 'stopbath-bad-'));
    await cp(folder, copy, { recursive: true });
    await spoil(copy);
    const end = last(await createRig(copy).generate({ request: request(change) }));
    if (end?.kind !== 'failed') throw new Error(`ended with ${end?.kind ?? 'nothing'}`);
    return end.failure;
  };

  it.each(['unet/model.onnx', 'vae_decoder/model.onnx', 'text_encoder/model.onnx'])(
    'without %s says so',
    async (name) => {
      const failure = await failureOf((copy) => rm(join(copy, name)));
      expect(failure).toMatchObject({ code: 'MODEL_PARTS' });
      expect(failure.message).toContain(name);
    },
  );

  it.each(['unet', 'vae_decoder', 'text_encoder'])('with a cut %s', async (part) => {
    const failure = await failureOf((copy) => truncate(join(copy, part, 'model.onnx'), 300));
    expect(failure).toMatchObject({ code: 'MODEL_BAD' });
    expect(failure.message).toContain(join(part, 'model.onnx'));
  });

  it('without a tokenizer', async () => {
    expect(await failureOf((copy) => rm(join(copy, 'tokenizer'), { recursive: true }))).toMatchObject({ code: 'MODEL_TOKENIZER' });
    expect((await failureOf((copy) => rm(join(copy, 'tokenizer/merges.txt')))).message).toContain('merges.txt');
  });

  it('with the tokenizer of another model', async () => {
    const larger = async (copy: string): Promise<void> => {
      const file = join(copy, 'tokenizer/vocab.json');
      const vocabulary = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
      for (let id = 0; id < 20; id++) vocabulary[`x${id}`] = 9 + id;
      vocabulary['c</w>'] = 30;
      await writeFile(file, JSON.stringify(vocabulary));
    };
    expect(await failureOf(larger)).toMatchObject({ code: 'MODEL_TOKENIZER' });
    // Without a config to compare with, the model itself has to notice.
    const unnoticed = async (copy: string): Promise<void> => {
      await larger(copy);
      await rm(join(copy, 'text_encoder/config.json'));
    };
    expect(await failureOf(unnoticed)).toMatchObject({ code: 'MODEL_TOKENIZER' });
  });

  it('with weights that are no numbers', async () => {
    const end = last(await createRig(await writeTinyModel({ nanWeights: true })).generate());
    expect(end).toMatchObject({ kind: 'failed', failure: { code: 'MODEL_NAN' } });
  });

  it('that is no folder, or of another family', async () => {
    expect(await failureOf((copy) => rm(copy, { recursive: true }))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const flux = (copy: string): Promise<void> => writeFile(join(copy, 'model_index.json'), '{"_class_name":"FluxPipeline"}');
    expect(await failureOf(flux)).toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });

  it('asked for a size it cannot draw', async () => {
    expect(await failureOf(() => Promise.resolve(), { width: 72 })).toMatchObject({ code: 'INVALID_INPUT', field: 'width' });
  });

  it('do no harm to the next job', async () => {
    const rig = createRig(folder);
    await rig.generate({ modelFolder: '/nowhere' });
    expect(last(await rig.generate())?.kind).toBe('finished');
  });
});
