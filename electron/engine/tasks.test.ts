import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModelFolder, type TinyVariant } from '../../e2e/parity/tiny/folder.ts';
import { plainUse, type Checkpoint, type GreyImage, type RgbImage, type RunInputs } from '../../shared/engineProtocol.ts';
import { type GenerationRequest, type GenerationRequestInput, parseGenerationRequest, type Task } from '../../shared/generation.ts';
import type { StepCallback } from './callbacks/callback.ts';
import { relativeDifference } from './pipelines/verify.ts';
import { mapTensor, sliceRows } from './tensor/tensor.ts';
import { checkpointsOf, createRig, ofKind, type Rig } from './testing/engineRig.ts';

/** What diffusers' numbers cannot say: batches against single runs, going on after a step, and requests a model refuses. */
const variants = ['sd', 'sd-inpaint', 'sd-lcm', 'sdxl', 'sdxl-norm', 'sdxl-inpaint', 'sdxl-refiner'] as const;
const folders = new Map<TinyVariant, string>();
const rigs = new Map<TinyVariant, Rig>();
beforeAll(async () => {
  for (const variant of variants) {
    const folder = await tinyModelFolder(variant);
    folders.set(variant, folder);
    rigs.set(variant, createRig(folder));
  }
});
afterAll(async () => {
  for (const folder of folders.values()) await rm(folder, { recursive: true, force: true });
});

function rigOf(variant: TinyVariant): Rig {
  const rig = rigs.get(variant);
  if (rig === undefined) throw new Error(`no ${variant}`);
  return rig;
}

const side = 64;
const image: RgbImage = { width: side, height: side, rgb: Uint8Array.from({ length: side * side * 3 }, (_, index) => (index * 37) % 256) };
const mask: GreyImage = { width: side, height: side, grey: Uint8Array.from({ length: side * side }, (_, index) => (index % side < 40 ? 255 : 0)) };
const inputsOf = (task: Task): RunInputs | null => (task === 'text-to-image' ? null : { image, mask: task === 'inpaint' ? mask : null });
const named = { width: side, height: side };

function requestOf(task: Task, change: Partial<GenerationRequestInput> = {}): GenerationRequest {
  return parseGenerationRequest({
    task,
    modelId: 'tiny',
    prompt: 'a house',
    negativePrompt: 'a red house',
    width: side,
    height: side,
    steps: 6,
    guidanceScale: 5,
    guidanceEnd: { kind: 'ratio', ratio: 0.4 },
    scheduler: 'euler',
    seed: '42',
    strength: 0.7,
    ...(task === 'text-to-image' ? {} : { image: { id: 'a'.repeat(64), ...named } }),
    ...(task === 'inpaint' ? { mask: { id: 'b'.repeat(64), ...named } } : {}),
    ...change,
  });
}

const run = async (variant: TinyVariant, request: GenerationRequest, callbacks: StepCallback[] = [], from?: Checkpoint) => {
  const messages = await rigOf(variant).generate(
    { request, inputs: inputsOf(request.task), ...(from === undefined ? {} : { from }) },
    callbacks,
  );
  const [failed] = ofKind(messages, 'failed');
  return { messages, failure: failed?.failure, images: ofKind(messages, 'finished')[0]?.images, checkpoints: checkpointsOf(messages) };
};

const kinds: [TinyVariant, Task][] = [
  ['sd', 'text-to-image'],
  ['sd', 'image-to-image'],
  ['sd', 'inpaint'],
  ['sd-inpaint', 'inpaint'],
  ['sd-lcm', 'text-to-image'],
  ['sd-lcm', 'image-to-image'],
  ['sdxl', 'text-to-image'],
  ['sdxl-norm', 'image-to-image'],
  ['sdxl', 'inpaint'],
  ['sdxl-inpaint', 'inpaint'],
  ['sdxl-refiner', 'image-to-image'],
];

describe('a batch', () => {
  it.each(kinds)('of %s, %s gives every picture what its own seed would have given', async (variant, task) => {
    const shape = { scheduler: variant === 'sd-lcm' ? 'lcm' : 'euler_a', imagesPerPrompt: 3 } as const;
    const together = await run(variant, requestOf(task, shape));
    const final = together.checkpoints.at(-1)?.latents;
    if (final === undefined) throw new Error(together.failure?.message ?? 'no run');
    expect(together.images).toHaveLength(3);
    for (const [row, seed] of ['42', '43', '44'].entries()) {
      const alone = await run(variant, requestOf(task, { ...shape, imagesPerPrompt: 1, seed }));
      const own = alone.checkpoints.at(-1)?.latents;
      if (own === undefined) throw new Error('no run');
      expect(relativeDifference(sliceRows(final, row, row + 1), own)).toBeLessThan(1e-5);
    }
    expect(new Set(together.images?.map(({ rgb }) => rgb.join())).size).toBe(3);
  });

  it('of two prompts keeps the pictures of each together', async () => {
    const both = await run('sd', requestOf('text-to-image', { morePrompts: ['a moon over snow'], imagesPerPrompt: 2, seed: '1' }));
    const second = await run('sd', requestOf('text-to-image', { prompt: 'a moon over snow', seed: '3' }));
    const [theirs, own] = [both.checkpoints.at(-1)?.latents, second.checkpoints.at(-1)?.latents];
    if (theirs === undefined || own === undefined) throw new Error('no run');
    expect(relativeDifference(sliceRows(theirs, 2, 3), own)).toBeLessThan(1e-5);
  });

  it('is seen as one preview, and decodes as one', async () => {
    const request = requestOf('inpaint', { imagesPerPrompt: 3 });
    const rig = rigOf('sd');
    const messages = await rig.generate({ request, inputs: inputsOf('inpaint'), previewMode: 'decoder' });
    const [preview] = ofKind(messages, 'preview');
    expect(preview).toMatchObject({ source: 'decoder', image: { width: 2 * side, height: 2 * side }, region: null });
    const [checkpoint] = checkpointsOf(messages);
    if (checkpoint === undefined) throw new Error('no checkpoint');
    const start = rig.messages.length;
    await rig.engine.handle({
      kind: 'decode', jobId: 'job', latents: checkpoint.cleanEstimate, request, inputs: inputsOf('inpaint'), modelFolder: folders.get('sd') ?? '', provider: 'cpu', ...plainUse,
    });
    const images = ofKind(rig.messages.slice(start), 'decoded')[0]?.images ?? [];
    expect(images).toHaveLength(3);
    // The last column is not painted.
    expect(images.map(({ rgb }) => rgb[3 * side - 1])).toEqual(images.map(() => image.rgb[3 * side - 1]));
  });
});

describe('going on after a step', () => {
  const viaJson = (checkpoint: Checkpoint): Checkpoint => JSON.parse(JSON.stringify(checkpoint)) as Checkpoint;

  it.each(kinds)('of %s, %s gives the very same pictures', async (variant, task) => {
    for (const scheduler of variant === 'sd-lcm' ? (['lcm'] as const) : (['euler_a', 'heun', 'dpmpp_2m'] as const)) {
      const request = requestOf(task, { scheduler, imagesPerPrompt: 2 });
      const whole = await run(variant, request);
      expect(whole.failure).toBeUndefined();
      for (const [index, checkpoint] of whole.checkpoints.entries()) {
        const rest = await run(variant, request, [], index % 2 === 0 ? viaJson(checkpoint) : checkpoint);
        expect(rest.images).toEqual(whole.images);
        expect(rest.checkpoints.map(({ stepsDone }) => stepsDone)).toEqual(whole.checkpoints.slice(index + 1).map(({ stepsDone }) => stepsDone));
        expect(rest.checkpoints.at(-1)?.latents ?? whole.checkpoints.at(-1)?.latents).toEqual(whole.checkpoints.at(-1)?.latents);
      }
    }
  });

  it.each(kinds)('of %s, %s that was steered in everything gives the very same pictures', async (variant, task) => {
    const lcm = variant === 'sd-lcm';
    const request = requestOf(task, {
      scheduler: lcm ? 'lcm' : 'dpmpp_2m',
      steps: 8,
      imagesPerPrompt: 2,
      steering: [
        { afterStep: 0, steering: { guidanceScale: 3, noiseSeed: '8' } },
        { afterStep: 1, steering: { prompt: `[a moon:${'over snow, '.repeat(30)}:0.7]`, negativePrompt: 'beach' } },
        { afterStep: 2, steering: { tail: { steps: 4, scheduler: lcm ? 'tcd' : 'euler_a' }, guidanceRescale: 0.4 } },
        { afterStep: 3, steering: { reuse: { kind: 'unconditional', every: 2 }, guidanceEnd: { kind: 'never' } } },
      ],
    });
    const whole = await run(variant, request);
    expect(whole.failure).toBeUndefined();
    expect(ofKind(whole.messages, 'steered')).toHaveLength(4);
    expect((await run(variant, { ...request, steering: [] })).images).not.toEqual(whole.images);
    for (const [index, checkpoint] of whole.checkpoints.entries()) {
      const rest = await run(variant, request, [], index % 2 === 0 ? viaJson(checkpoint) : checkpoint);
      expect(rest.failure).toBeUndefined();
      expect(rest.images, `after ${checkpoint.stepsDone}`).toEqual(whole.images);
    }
  });

  it('knows where a prompt that changes stands', async () => {
    const request = requestOf('text-to-image', { prompt: 'a [red house:moon over snow:3]', negativePrompt: '[beach|house]', guidanceEnd: { kind: 'never' } });
    const whole = await run('sdxl', request);
    const plain = await run('sdxl', requestOf('text-to-image', { prompt: 'a red house', negativePrompt: 'beach', guidanceEnd: { kind: 'never' } }));
    expect(whole.images).not.toEqual(plain.images);
    expect(whole.checkpoints[0]?.latents).toEqual(plain.checkpoints[0]?.latents);
    for (const checkpoint of whole.checkpoints) {
      // What the schedule says is worked out again, not kept.
      expect(Object.keys(checkpoint.tensors)).toEqual([]);
      expect((await run('sdxl', request, [], viaJson(checkpoint))).images).toEqual(whole.images);
    }
  });

  it('keeps what callbacks had replaced, but not where new prompts are steered', async () => {
    const double: StepCallback = {
      name: 'double',
      callbackOnStepEndTensorInputs: ['prompt_embeds', 'mask'],
      callbackOnStepEnd: (_run, index, _timestep, { prompt_embeds: embeds, mask: now }) =>
        index === 1 && embeds !== undefined && now !== undefined
          ? { tensors: { prompt_embeds: mapTensor(embeds, (value) => 2 * value), mask: mapTensor(now, () => 1) } }
          : undefined,
    };
    const request = requestOf('inpaint');
    const whole = await run('sd', request, [double]);
    const checkpoint = whole.checkpoints[2];
    if (checkpoint === undefined) throw new Error('no checkpoint');
    expect(Object.keys(checkpoint.tensors).sort()).toEqual(['image_latents', 'initial_noise', 'mask', 'masked_image_latents', 'prompt_embeds']);
    const rest = await run('sd', request, [], viaJson(checkpoint));
    expect(rest.images).toEqual(whole.images);
    const steering = [{ afterStep: 2, steering: { prompt: 'a moon over snow' } }];
    const other = await run('sd', { ...request, steering }, [], checkpoint);
    expect(other.images).not.toEqual(whole.images);
    expect(Object.keys(other.checkpoints.at(-1)?.tensors ?? {})).not.toContain('prompt_embeds');
    expect((await run('sd', { ...request, prompt: 'a moon over snow' }, [], checkpoint)).failure).toMatchObject({ code: 'INVALID_INPUT', field: 'prompt' });
  });

  it('is refused for what an older version had saved, and for another picture', async () => {
    const request = requestOf('image-to-image');
    const [checkpoint] = (await run('sd', request)).checkpoints;
    if (checkpoint === undefined) throw new Error('no checkpoint');
    const older = { ...checkpoint, version: 1 } as unknown as Checkpoint;
    expect((await run('sd', request, [], older)).failure).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(/another version/) as unknown });
    const image2 = { id: 'c'.repeat(64), ...named };
    expect((await run('sd', { ...request, image: image2 }, [], checkpoint)).failure?.message).toMatch(/another image/);
    expect((await run('sd', { ...request, strength: 0.6 }, [], checkpoint)).failure?.message).toMatch(/another strength/);
  });
});

describe('a request is refused before anything is drawn', () => {
  const refusals: [string, TinyVariant, Task, Partial<GenerationRequestInput>, string][] = [
    ['a size between the sizes', 'sd', 'text-to-image', { width: 72 }, 'width'],
    ['text-to-image of an inpainting model', 'sd-inpaint', 'text-to-image', {}, 'task'],
    ['text-to-image of a refiner', 'sdxl-refiner', 'text-to-image', {}, 'task'],
    ['too little strength', 'sd', 'image-to-image', { strength: 0.1 }, 'strength'],
    ['a second prompt for SD', 'sd', 'text-to-image', { prompt2: 'a beach' }, 'prompt2'],
    ['a second negative prompt for SD', 'sd', 'text-to-image', { negativePrompt2: '' }, 'negativePrompt2'],
    ['a share of the schedule for SD', 'sd', 'text-to-image', { denoisingEnd: 0.5 }, 'denoisingEnd'],
    ['sizes for SD', 'sd', 'text-to-image', { microConditioning: { cropTopLeft: { top: 1, left: 0 } } }, 'microConditioning.cropTopLeft'],
    ['a share of noise for a sampler without one', 'sd', 'text-to-image', { scheduler: 'heun', eta: 0.5 }, 'eta'],
    ['a second negative prompt without a first', 'sdxl', 'text-to-image', { negativePrompt: null, negativePrompt2: 'snow' }, 'negativePrompt2'],
    ['layers left out of an SD export', 'sd', 'text-to-image', { clipSkip: 1 }, 'clipSkip'],
    ['timesteps for a scheduler that takes none', 'sd', 'text-to-image', { scheduler: 'ddim', timesteps: [900, 500, 100] }, 'timesteps'],
    ['sigmas for a scheduler that takes none', 'sd', 'text-to-image', { scheduler: 'ddim', sigmas: [10, 5, 0] }, 'sigmas'],
    ['more steps than an LCM was distilled with', 'sd-lcm', 'text-to-image', { scheduler: 'lcm', steps: 51 }, 'steps'],
  ];
  it.each(refusals)('%s', async (_, variant, task, change, field) => {
    const { failure, messages } = await run(variant, requestOf(task, change));
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', field });
    expect(ofKind(messages, 'step')).toEqual([]);
  });

  it('a picture or a mask that did not come along', async () => {
    const request = requestOf('inpaint', { prompt: 'a house nobody has asked for' });
    const messages = await rigOf('sd').generate({ request, inputs: { image, mask: null } });
    expect(messages.at(-1)).toMatchObject({ kind: 'failed', failure: { code: 'INVALID_INPUT', field: 'mask' } });
    const missing = await rigOf('sd').generate({ request, inputs: null });
    expect(missing.at(-1)).toMatchObject({ kind: 'failed', failure: { code: 'INVALID_INPUT', field: 'image' } });
  });

  it('an unknown tensor of a callback, with the names there are', async () => {
    const asks: StepCallback = { name: 'asks', callbackOnStepEndTensorInputs: ['image_embeds'], callbackOnStepEnd: () => undefined };
    const names = async (variant: TinyVariant, task: Task): Promise<string> => (await run(variant, requestOf(task), [asks])).failure?.message ?? '';
    expect(await names('sd', 'text-to-image')).toMatch(/has latents, prompt_embeds, negative_prompt_embeds\.$/);
    expect(await names('sdxl', 'inpaint')).toMatch(
      /has latents, prompt_embeds, negative_prompt_embeds, add_text_embeds, negative_add_text_embeds, add_time_ids, negative_add_time_ids, mask, masked_image_latents\.$/,
    );
    expect(await names('sd-lcm', 'image-to-image')).toMatch(/negative_prompt_embeds, w_embedding\.$/);
  });

  it('a picture, of a model without the part that reads pictures', async () => {
    const folder = await tinyModelFolder('sd');
    await rm(join(folder, 'vae_encoder'), { recursive: true });
    const rig = createRig(folder);
    const messages = await rig.generate({ request: requestOf('image-to-image'), inputs: inputsOf('image-to-image') });
    expect(ofKind(messages, 'failed')[0]?.failure).toMatchObject({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('vae_encoder/model.onnx') as unknown });
    expect(ofKind(await rig.generate({ request: requestOf('text-to-image') }), 'finished')).toHaveLength(1);
    await rm(folder, { recursive: true });
  });
});

describe('parts', () => {
  it('the encoder is loaded when a task needs it, and once', async () => {
    const folder = await tinyModelFolder('sdxl');
    const rig = createRig(folder);
    const loaded = async (task: Task): Promise<string[]> =>
      ofKind(await rig.generate({ request: requestOf(task), inputs: inputsOf(task) }), 'loading').map(({ part }) => part);
    expect(await loaded('text-to-image')).toEqual(['tokenizer', 'text_encoder', 'text_encoder_2', 'unet', 'vae_decoder']);
    expect(await loaded('inpaint')).toEqual(['vae_encoder']);
    expect(await loaded('image-to-image')).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('a region drawn at full size is previewed in its place, and pasted into the whole picture', async () => {
    const wide = 128;
    const large: RunInputs = {
      image: { width: wide, height: wide, rgb: new Uint8Array(wide * wide * 3).fill(50) },
      mask: { width: wide, height: wide, grey: Uint8Array.from({ length: wide * wide }, (_, index) => (index % wide < 20 && index < wide * 20 ? 255 : 0)) },
    };
    const sides = { width: wide, height: wide };
    const request = requestOf('inpaint', { maskPadding: 4, image: { id: 'a'.repeat(64), ...sides }, mask: { id: 'b'.repeat(64), ...sides } });
    const messages = await rigOf('sd').generate({ request, inputs: large, previewMode: 'linear' });
    const region = { left: 0, top: 0, width: 24, height: 24 };
    expect(ofKind(messages, 'preview').every((preview) => JSON.stringify(preview.region) === JSON.stringify(region))).toBe(true);
    const [finished] = ofKind(messages, 'finished');
    expect(finished?.images[0]).toMatchObject(sides);
    expect(finished?.images[0]?.rgb.slice(3 * 20, 3 * 21)).toEqual(Uint8Array.of(50, 50, 50));
  });
});

describe('counting tokens', () => {
  it('does not wait for a run, and needs no model in memory', async () => {
    const folder = folders.get('sdxl-refiner') ?? '';
    const rig = rigOf('sd');
    const start = rig.messages.length;
    const running = rig.generate({ request: requestOf('text-to-image', { steps: 40 }) });
    await rig.engine.handle({ kind: 'count-tokens', requestId: 'r', modelFolder: folder, texts: ['a house', 'house '.repeat(100)], syntax: 'a1111' });
    await running;
    const messages = rig.messages.slice(start);
    const at = messages.findIndex(({ kind }) => kind === 'tokens');
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThan(messages.findIndex(({ kind }) => kind === 'finished'));
    expect(messages[at]).toMatchObject({ requestId: 'r', counts: [{ chunkSize: 75 }, { chunkSize: 75 }] });
  });

  it('says what is wrong with a folder, and tries again', async () => {
    const rig = rigOf('sd');
    const folder = await tinyModelFolder('sd');
    await rm(join(folder, 'tokenizer/merges.txt'));
    const ask = async () => {
      const start = rig.messages.length;
      await rig.engine.handle({ kind: 'count-tokens', requestId: 'r', modelFolder: folder, texts: ['a'], syntax: 'plain' });
      return rig.messages.slice(start);
    };
    expect((await ask())[0]).toMatchObject({ kind: 'tokens-failed', requestId: 'r', failure: { code: 'MODEL_TOKENIZER' } });
    await rm(folder, { recursive: true });
    expect((await ask())[0]).toMatchObject({ kind: 'tokens-failed' });
  });
});
