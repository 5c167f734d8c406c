/**
 * The graphs against torch, diffusers and transformers on tiny models with random weights; recipe, packages and versions:
 * e2e/graphs/make_goldens.py.
 */
import { afterEach, describe, expect, it } from 'vitest';
import {
  cases,
  feedsOf,
  goldenFile,
  GraphFolder,
  readAdapters,
  readTensors,
  readWeights,
  relativeError,
} from '../../../../e2e/graphs/fixtures.ts';
import { taesdConfig, textConfig, unetConfig, vaeConfig } from '../../../../e2e/graphs/referenceConfigs.ts';
import { openSession } from '../../ort/session.ts';
import type { ModelSession } from '../../tensor/modelSession.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GraphOptions } from '../graphOptions.ts';
import type { Weights } from '../weights.ts';
import { clipTextGraph } from './clipText.ts';
import { taesdDecoderGraph, taesdEncoderGraph } from './taesd.ts';
import { unetGraph, type UnetOptions } from './unet.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from './vae.ts';

/** Largest difference over the largest value. */
const tolerance = 1e-4;

const unets = ['unet-sd1', 'unet-sd2', 'unet-inpaint', 'unet-lcm', 'unet-sdxl', 'unet-refiner'] as const;
const texts = ['clip-l', 'clip-h', 'clip-g'] as const;
const vaes = ['vae', 'vae-bare'] as const;

const opened: { readonly folder: GraphFolder; readonly session: ModelSession }[] = [];
afterEach(async () => {
  for (const { folder, session } of opened.splice(0)) {
    await session.release();
    folder.remove();
  }
});

async function open(files: readonly string[], build: (weights: Weights) => Buffer): Promise<ModelSession> {
  const folder = new GraphFolder(files.map(goldenFile));
  const session = await openSession(folder.write('model', build(readWeights(goldenFile(files[0] ?? '')))), 'cpu');
  opened.push({ folder, session });
  return session;
}

const openUnet = (name: (typeof unets)[number], options: UnetOptions = {}): Promise<ModelSession> =>
  open([name], (weights) => unetGraph(unetConfig(cases[name].config), weights, options));

const golden = (name: string): Readonly<Record<string, Tensor>> => readTensors(goldenFile(`${name}.golden`));

/** Both attentions, and operators of devices that are not here but run on the CPU too. */
const ways: readonly GraphOptions[] = [{ device: 'cpu' }, { device: 'cpu', weights: 'held' }, { device: 'webgpu' }];

describe.each(ways)('graphs with %j', (way) => {
  it.each(unets)('%s gives what diffusers gives', async (name) => {
    const session = await openUnet(name, way);
    const values = golden(name);
    const { out_sample: result } = await session.run(feedsOf(session, values));
    expect(relativeError(result, values['out.out_sample'])).toBeLessThan(tolerance);
  });

  it.each(texts)('%s gives what transformers gives, all states and the pooled one', async (name) => {
    const { config, projection } = cases[name];
    const session = await open([name], (weights) => clipTextGraph(textConfig(config, projection), weights, way));
    const values = golden(name);
    const results = await session.run(feedsOf(session, values));
    expect(session.outputs[0]?.name).toBe('last_hidden_state');
    const expected = Object.keys(values).filter((key) => key.startsWith('out.'));
    expect(expected.map((key) => key.slice(4)).sort()).toEqual(session.outputs.map((output) => output.name).sort());
    for (const key of expected) expect(relativeError(results[key.slice(4)], values[key]), key).toBeLessThan(tolerance);
  });

  it.each(vaes)('%s decodes and encodes as diffusers does', async (name) => {
    const values = golden(name);
    const config = vaeConfig(cases[name].config);
    const decoder = await open([name], (weights) => vaeDecoderGraph(config, weights, way));
    const encoder = await open([name], (weights) => vaeEncoderGraph(config, weights, way));
    const { sample } = await decoder.run(feedsOf(decoder, values));
    expect(relativeError(sample, values['out.sample'])).toBeLessThan(tolerance);
    const { latent_parameters: moments } = await encoder.run(feedsOf(encoder, values));
    expect(relativeError(moments, values['out.latent_parameters'])).toBeLessThan(tolerance);
  });

  it('taesd decodes and encodes as diffusers does', async () => {
    const values = golden('taesd');
    const decoder = await open(['taesd'], (weights) => taesdDecoderGraph(taesdConfig, weights, way));
    const encoder = await open(['taesd'], (weights) => taesdEncoderGraph(taesdConfig, weights, way));
    const { sample } = await decoder.run(feedsOf(decoder, values));
    expect(relativeError(sample, values['out.sample'])).toBeLessThan(tolerance);
    const { latent_sample: latents } = await encoder.run(feedsOf(encoder, values));
    expect(relativeError(latents, values['out.latent_sample'])).toBeLessThan(tolerance);
  });
});

describe('step reuse', () => {
  const names = ['unet-sd1', 'unet-sdxl'] as const;
  it.each(names.flatMap((name) => [1, 2, 3].map((layers) => [name, layers] as const)))(
    '%s, outer layers %i: the features are those of diffusers, and another step with them gives what diffusers gives',
    async (name, shallowLayers) => {
      const values = golden(name);
      const whole = await openUnet(name, { part: 'whole-with-features', shallowLayers });
      const shallow = await openUnet(name, { part: 'shallow', shallowLayers });
      const first = await whole.run(feedsOf(whole, values));
      const { deep_features: features, out_sample: result } = first;
      if (features === undefined) throw new Error('no features');
      expect(relativeError(features, values[`out.deep_features.${shallowLayers}`])).toBeLessThan(tolerance);
      expect(relativeError(result, values['out.out_sample'])).toBeLessThan(tolerance);

      const again = await shallow.run({ ...feedsOf(shallow, values), deep_features: features });
      expect(relativeError(again['out_sample'], result), 'the same step').toBeLessThan(1e-6);

      const later = { 'in.timestep': { dims: [], data: Float32Array.of(721) }, 'in.sample': values['in.later'] ?? features };
      const reused = await shallow.run({ ...feedsOf(shallow, { ...values, ...later }), deep_features: features });
      expect(relativeError(reused['out_sample'], values[`out.later.${shallowLayers}`]), 'a later step').toBeLessThan(tolerance);
    },
  );
});

describe('LoRA', () => {
  const adapters = readAdapters();
  const openWith = (options: UnetOptions): Promise<ModelSession> =>
    open(['unet-sd1', 'lora'], (weights) => unetGraph(unetConfig(cases['unet-sd1'].config), weights, options));
  const strengths = (...values: number[]): Tensor => ({ dims: [2], data: Float32Array.from(values) });

  it('equals weights with the LoRAs merged in, one alone and both', async () => {
    const values = golden('lora');
    const session = await openWith({ adapters });
    const run = async (lora: Tensor) => (await session.run({ ...feedsOf(session, values), lora_strengths: lora }))['out_sample'];
    const none = values['out.none'];
    for (const [label, lora] of Object.entries({ first: strengths(0.8, 0), second: strengths(0, 1), both: strengths(0.7, -0.45) })) {
      expect(relativeError(await run(lora), values[`out.${label}`]), label).toBeLessThan(tolerance);
      expect(relativeError(none, values[`out.${label}`]), `${label} is no no-op`).toBeGreaterThan(0.01);
    }
  });

  it('has an input for strengths, the last, only with LoRAs', async () => {
    const names = async (options: UnetOptions): Promise<string[]> => (await openWith(options)).inputs.map(({ name }) => name);
    expect(await names({ adapters })).toEqual(['sample', 'timestep', 'encoder_hidden_states', 'lora_strengths']);
    expect(await names({})).toEqual(['sample', 'timestep', 'encoder_hidden_states']);
  });

  it.each(ways)('at strength 0 gives the very bits of the graph without LoRA with %j', async (way) => {
    const values = golden('lora');
    const [steered, bare] = [await openWith({ ...way, adapters }), await openWith(way)];
    const { out_sample: zero } = await steered.run({ ...feedsOf(steered, values), lora_strengths: strengths(0, 0) });
    const { out_sample: without } = await bare.run(feedsOf(bare, values));
    expect(zero?.data).toEqual(without?.data);
  });
});

const attentions = ['fused', 'plain'] as const;

describe('the two attentions', () => {
  it.each(['unet-sd1', 'unet-lcm'] as const)('give the same in %s', async (name) => {
    const values = golden(name);
    const [fused, plain] = await Promise.all(
      attentions.map(async (attention) => {
        const session = await openUnet(name, { variant: { attention, arithmetic: 'float32' } });
        return (await session.run(feedsOf(session, values)))['out_sample'];
      }),
    );
    expect(relativeError(plain, fused)).toBeLessThan(1e-5);
    expect(plain?.data, 'they are two').not.toEqual(fused?.data);
  });

  it('give the same in a VAE', async () => {
    const values = golden('vae');
    const config = vaeConfig(cases.vae.config);
    const [fused, plain] = await Promise.all(
      attentions.map(async (attention) => {
        const session = await open(['vae'], (weights) => vaeDecoderGraph(config, weights, { variant: { attention, arithmetic: 'float32' } }));
        return (await session.run(feedsOf(session, values)))['sample'];
      }),
    );
    expect(relativeError(plain, fused)).toBeLessThan(1e-5);
  });
});

/** Of 11 bits, after some ten layers; the tiny models stay below half of it. */
const halfTolerance = 1e-2;

describe.each([
  { device: 'cuda', attention: 'fused', names: ['unet-sd1', 'unet-lcm'] },
  { device: 'webgpu', attention: 'plain', names: unets },
] as const)('half precision for $device, $attention attention', ({ device, attention, names }) => {
  const half = { device, variant: { attention, arithmetic: 'float16' } } as const;
  const isNear = (result: Tensor | undefined, expected: Tensor | undefined): void => {
    const error = relativeError(result, expected);
    expect(error).toBeLessThan(halfTolerance);
    expect(error, 'it is computed in half precision').toBeGreaterThan(1e-5);
  };
  const near = async (session: ModelSession, name: string, output: string): Promise<void> => {
    const values = golden(name);
    const results = await session.run(feedsOf(session, values));
    const types = [...session.inputs, ...session.outputs].map(({ type }) => type);
    expect(new Set(types.filter((type) => type !== 'int64')), 'it takes and gives float32').toEqual(new Set(['float32']));
    isNear(results[output], values[`out.${output}`]);
  };

  it.each(names)('%s', async (name) => near(await openUnet(name, half), name, 'out_sample'));

  it.each(texts)('%s', async (name) => {
    const { config, projection } = cases[name];
    const session = await open([name], (weights) => clipTextGraph(textConfig(config, projection), weights, half));
    await near(session, name, 'last_hidden_state');
    await near(session, name, projection ? 'text_embeds' : 'pooler_output');
  });

  it('a UNet with LoRAs, strong, weak and off', async () => {
    const values = golden('lora');
    const session = await open(['unet-sd1', 'lora'], (weights) => unetGraph(unetConfig(cases['unet-sd1'].config), weights, { ...half, adapters: readAdapters() }));
    for (const [label, strengths] of Object.entries({ none: [0, 0], first: [0.8, 0], second: [0, 1], both: [0.7, -0.45] })) {
      const { out_sample: result } = await session.run({ ...feedsOf(session, values), lora_strengths: { dims: [2], data: Float32Array.from(strengths) } });
      isNear(result, values[`out.${label}`]);
    }
  });

  it('steps that reuse features', async () => {
    const values = golden('unet-sd1');
    const whole = await openUnet('unet-sd1', { ...half, part: 'whole-with-features' });
    const shallow = await openUnet('unet-sd1', { ...half, part: 'shallow' });
    const { deep_features: features } = await whole.run(feedsOf(whole, values));
    isNear(features, values['out.deep_features.1']);
    if (features === undefined) throw new Error('no features');
    const later = { 'in.timestep': { dims: [], data: Float32Array.of(721) }, 'in.sample': values['in.later'] ?? features };
    const { out_sample: result } = await shallow.run({ ...feedsOf(shallow, { ...values, ...later }), deep_features: features });
    isNear(result, values['out.later.1']);
  });

  it('leaves the VAE in float32', () => {
    const config = vaeConfig(cases.vae.config);
    const weights = readWeights(goldenFile('vae'));
    for (const build of [vaeDecoderGraph, vaeEncoderGraph]) {
      expect(build(config, weights, half)).toEqual(build(config, weights, { device, variant: { attention, arithmetic: 'float32' } }));
    }
  });
});

it('half precision sums in float32 where it would overflow: norms of groups, softmax', () => {
  const namesIn = (arithmetic: 'float32' | 'float16'): string => {
    const options = { device: 'webgpu', variant: { attention: 'plain', arithmetic } } as const;
    return unetGraph(unetConfig(cases['unet-sd1'].config), readWeights(goldenFile('unet-sd1')), options).toString('latin1');
  };
  // A node's name ends with its place in the graph.
  const [half, full] = [namesIn('float16'), namesIn('float32')];
  const sums = (names: string): number[] => [...new Set([...names.matchAll(/\/(?:InstanceNormalization|Softmax)_(\d+)/g)].map(([, place]) => Number(place)))];
  expect(sums(half)).toHaveLength(sums(full).length);
  expect(sums(half).length).toBeGreaterThan(20);
  for (const place of sums(half)) {
    expect(half).toMatch(new RegExp(`/Cast_${place - 1}\\b`));
    expect(half).toMatch(new RegExp(`/Cast_${place + 1}\\b`));
  }
});

describe('what does not fit', () => {
  const config = unetConfig(cases['unet-sd1'].config);
  const weights = readWeights(goldenFile('unet-sd1'));

  it('names the tensor whose bytes do not fill its sides', () => {
    const get: Weights['get'] = (asked) => {
      const ref = weights.get(asked);
      return asked === 'conv_in.weight' ? { ...ref, dims: [8, 4, 3, 4] } : ref;
    };
    expect(() => unetGraph(config, { ...weights, get })).toThrow(/conv_in\.weight has 1152 bytes; F32 \[8, 4, 3, 4\] needs 1536/);
  });

  it('levels that do not agree, and layers that are not there to be run alone', () => {
    expect(() => unetGraph({ ...config, heads: [2, 2, 2] }, weights)).toThrow('do not agree: 4, 4, 3');
    for (const shallowLayers of [0, 4]) {
      expect(() => unetGraph(config, weights, { part: 'shallow', shallowLayers })).toThrow(`${shallowLayers} of 3 layers`);
    }
  });
});
