import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import { type EngineMessage, plainUse } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { type GenerationRequest, parseGenerationRequest, type ProviderId } from '../../../shared/generation.ts';
import { Engine } from '../engine.ts';
import type { EngineOptions } from '../engineOptions.ts';
import type { GenerateCommand } from '../generation.ts';
import { openSession } from '../ort/session.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkpointsOf, ofKind, tinyRequest } from '../testing/engineRig.ts';

/** 32 latents a side: two tiles of 16 and what is left beside them. */
const request = parseGenerationRequest({ ...tinyRequest, width: 256, height: 256, steps: 3 });
let folder = '';

beforeAll(async () => {
  folder = await tinyModelFolder('sdxl');
});
afterAll(() => rm(folder, { recursive: true }));

function noMemory(): StopbathError {
  return new StopbathError({ code: 'OUT_OF_MEMORY', message: 'There is not enough memory.', detail: 'Failed to allocate memory' });
}

interface Faults {
  /** What is too much, beside the parts that are loaded. */
  readonly atLoad?: (part: string, loaded: readonly string[], provider: ProviderId) => boolean;
  readonly atRun?: (part: string, sides: readonly number[], loaded: readonly string[], provider: ProviderId) => boolean;
}

/** An engine whose sessions run short of memory, and what it did. */
function shortEngine({ atLoad, atRun }: Faults, change: Partial<EngineOptions> = {}, provider: ProviderId = 'cpu') {
  const messages: EngineMessage[] = [];
  const loaded: string[] = [];
  const runs: { part: string; sides: readonly number[]; loaded: readonly string[]; provider: ProviderId }[] = [];
  const notes: string[] = [];
  const open = async (file: string, on: ProviderId): Promise<ModelSession> => {
    const part = path.basename(path.dirname(file));
    if (atLoad?.(part, loaded, on) === true) throw noMemory();
    const session = await openSession(file, 'cpu');
    loaded.push(part);
    return {
      inputs: session.inputs,
      outputs: session.outputs,
      release: async () => {
        loaded.splice(loaded.indexOf(part), 1);
        await session.release();
      },
      run: async (feeds: Readonly<Record<string, Tensor>>) => {
        const sides = Object.values(feeds)[0]?.dims ?? [];
        runs.push({ part, sides, loaded: [...loaded], provider: on });
        if (atRun?.(part, sides, loaded, on) === true) throw noMemory();
        return session.run(feeds);
      },
    };
  };
  const engine = new Engine({
    emit: (message) => messages.push(message),
    warn: (text) => notes.push(text),
    openSession: open,
    devices: {
      resolve: () => Promise.resolve({ provider, rungs: [] }),
      reject: () => undefined,
      isVerified: () => Promise.resolve(true),
      setVerified: () => Promise.resolve(),
    },
    ...change,
  });
  const generate = async (given: Partial<GenerateCommand> = {}, onMessage?: (message: EngineMessage) => void): Promise<EngineMessage[]> => {
    const from = messages.length;
    const command = { kind: 'generate', jobId: 'j', request, inputs: null, modelFolder: folder, provider, ...plainUse, previewMode: 'off', paceMs: 0 } as const;
    if (onMessage !== undefined) messages.push = (...added) => (added.forEach(onMessage), Array.prototype.push.apply(messages, added));
    await engine.generate({ ...command, ...given });
    return messages.slice(from);
  };
  return { engine, generate, messages, loaded, runs, notes };
}

function picture(messages: readonly EngineMessage[]): Uint8Array {
  const failed = ofKind(messages, 'failed')[0];
  if (failed !== undefined) throw new Error(failed.failure.message);
  return ofKind(messages, 'finished')[0]?.images[0]?.rgb ?? new Uint8Array();
}

/** Mean and largest difference of two pictures, of 255. */
function difference(a: Uint8Array, b: Uint8Array): { mean: number; most: number } {
  let [sum, most] = [0, 0];
  a.forEach((value, index) => {
    const gap = Math.abs(value - (b[index] ?? 0));
    sum += gap;
    most = Math.max(most, gap);
  });
  return { mean: sum / a.length, most };
}

async function plainPicture(given: GenerationRequest = request): Promise<Uint8Array> {
  return picture(await shortEngine({}).generate({ request: given }));
}

it('a UNet that cannot be loaded beside others is loaded alone, and the picture is the same', async () => {
  const short = shortEngine({ atLoad: (part, loaded) => part === 'unet' && loaded.length > 0 });
  expect(picture(await short.generate())).toEqual(await plainPicture());
});

it('so is one that cannot be run beside others', async () => {
  const short = shortEngine({ atRun: (part, _sides, loaded) => part === 'unet' && loaded.length > 1 });
  expect(picture(await short.generate())).toEqual(await plainPicture());
  // Once alone, it is not disturbed again before the decode.
  expect(short.runs.filter(({ part, loaded }) => part === 'unet' && loaded.length > 1)).toHaveLength(1);
});

it('a call of several rows that is too much goes on in calls of one, for the rest of the runs', async () => {
  const three = parseGenerationRequest({ ...request, imagesPerPrompt: 3, guidanceScale: 1 });
  const short = shortEngine({ atRun: (part, [rows = 0]) => part === 'unet' && rows > 1 });
  const images = (messages: readonly EngineMessage[]) => ofKind(messages, 'finished')[0]?.images.map(({ rgb }) => rgb) ?? [];
  const drawn = images(await short.generate({ request: three }));
  const wanted = images(await shortEngine({}).generate({ request: three }));
  expect(drawn).toHaveLength(3);
  // Rows of one call and calls of one row differ by rounding.
  drawn.forEach((rgb, index) => expect(difference(rgb, wanted[index] ?? new Uint8Array()).most).toBeLessThanOrEqual(1));
  const tooLarge = short.runs.filter(({ part, sides }) => part === 'unet' && (sides[0] ?? 0) > 1).length;
  await short.generate({ request: three });
  expect(short.runs.filter(({ part, sides }) => part === 'unet' && (sides[0] ?? 0) > 1)).toHaveLength(tooLarge);
  expect(short.notes.join('\n')).toContain('rows at once');
});

it('a decode that is too much is done in tiles', async () => {
  const short = shortEngine({ atRun: (part, sides) => part === 'vae_decoder' && (sides[3] ?? 0) > 16 });
  const tiled = picture(await short.generate());
  expect(short.runs.filter(({ part, sides }) => part === 'vae_decoder' && sides[3] === 16).length).toBeGreaterThan(1);
  const { mean } = difference(tiled, await plainPicture());
  expect(mean).toBeLessThan(12);
  expect(mean).toBeGreaterThan(0);
});

it('and where tiles are too much on a device, on the CPU', async () => {
  const short = shortEngine({ atRun: (part, _sides, _loaded, on) => part === 'vae_decoder' && on !== 'cpu' }, {}, 'webgpu');
  const messages = await short.generate();
  expect(ofKind(messages, 'finished')[0]?.trace.provider).toBe('webgpu');
  expect(picture(messages)).toHaveLength(256 * 256 * 3);
  expect(short.runs.some(({ part, provider }) => part === 'vae_decoder' && provider === 'cpu')).toBe(true);
  expect(short.notes.join('\n')).toContain('on the CPU');
});

it('a run that cannot be ended keeps all its steps, and the engine goes on', async () => {
  let short = shortEngine({ atRun: (part) => part === 'vae_decoder' });
  const messages = await short.generate();
  expect(ofKind(messages, 'failed')[0]?.failure.code).toBe('OUT_OF_MEMORY');
  const last = checkpointsOf(messages).at(-1);
  expect([last?.stepsDone, last?.numTimesteps]).toEqual([3, 3]);
  // Later, with more memory: only the decode is left.
  short = shortEngine({});
  expect(picture(await short.generate(last === undefined ? {} : { from: last }))).toEqual(await plainPicture());
  expect(short.runs.filter(({ part }) => part === 'unet')).toHaveLength(0);
});

it('a UNet that never fits fails with the reason', async () => {
  const short = shortEngine({ atLoad: (part) => part === 'unet' });
  expect(ofKind(await short.generate(), 'failed')[0]?.failure.code).toBe('OUT_OF_MEMORY');
  expect(short.loaded).toEqual([]);
});

it('released parts are not beside the UNet, and the picture is the same', async () => {
  const short = shortEngine({});
  expect(picture(await short.generate({ memoryPolicy: 'release' }))).toEqual(await plainPicture());
  const beside = new Set(short.runs.filter(({ part }) => part === 'unet').flatMap(({ loaded }) => loaded));
  expect([...beside]).toEqual(['unet']);
  expect(short.loaded).toEqual(['unet']);
  // The same prompt again: its embeddings are kept.
  const before = short.runs.length;
  await short.generate({ memoryPolicy: 'release' });
  expect(short.runs.slice(before).map(({ part }) => part)).not.toContain('text_encoder');
});

it('where nothing fits beside another, one part is in memory at a time', async () => {
  const short = shortEngine({}, { deviceMemory: () => Promise.resolve({ free: 1e6, total: 1e9 }) }, 'webgpu');
  expect(picture(await short.generate({ memoryPolicy: 'release' }))).toEqual(await plainPicture());
  const kinds = short.runs.map(({ loaded }) => new Set(loaded.map((part) => part.split('_')[0])).size);
  expect(kinds.every((count) => count === 1)).toBe(true);
});

it('a prompt that is changed while the run goes on brings its encoders back', async () => {
  const steering = { prompt: 'a palm tree' };
  const steered = parseGenerationRequest({ ...request, steering: [{ afterStep: 0, steering }] });
  const short = shortEngine({});
  expect(picture(await short.generate({ memoryPolicy: 'release', request: steered }))).toEqual(await plainPicture(steered));
  const parts = short.runs.map(({ part }) => part);
  expect(parts.lastIndexOf('text_encoder_2')).toBeGreaterThan(parts.indexOf('unet'));
  expect(short.runs.filter(({ part }) => part === 'unet').every(({ loaded }) => !loaded.includes('text_encoder_2'))).toBe(true);
});

it('decoded previews keep the decoder beside the UNet, once loaded', async () => {
  const opened: string[] = [];
  const short = shortEngine({ atLoad: (part) => opened.push(part) === 0 });
  const messages = await short.generate({ memoryPolicy: 'release', previewMode: 'decoder' });
  expect(ofKind(messages, 'preview').map(({ source }) => source)).toContain('decoder');
  expect(opened.filter((part) => part === 'vae_decoder').length).toBeLessThanOrEqual(2);
  const auto = await short.generate({ memoryPolicy: 'release', previewMode: 'auto', paceMs: 200 });
  expect(new Set(ofKind(auto, 'preview').map(({ source }) => source))).toEqual(new Set(['linear']));
});

it('a model that was loaded again makes its kernels for both kinds of call before the first step', async () => {
  // Calls take as long whatever their rows, so that one call of both halves is chosen.
  const slow = (): boolean => {
    const until = performance.now() + 12;
    while (performance.now() < until);
    return false;
  };
  const short = shortEngine({ atRun: (part) => part === 'unet' && slow() }, {}, 'webgpu');
  const rows = async (given: Partial<GenerateCommand> = {}): Promise<number[]> => {
    const before = short.runs.length;
    await short.generate({ request: { ...request, width: 64, height: 64 }, ...given });
    return short.runs.slice(before).flatMap(({ part, sides }) => (part === 'unet' ? [sides[0] ?? 0] : []));
  };
  // Three rounds of two calls of one row and one of two; then the steps.
  expect(await rows()).toEqual([1, 1, 2, 1, 1, 2, 1, 1, 2, 2, 2, 2]);
  expect(await rows()).toEqual([2, 2, 2]);
  const other = await tinyModelFolder('sd');
  await rows({ modelFolder: other });
  expect(await rows()).toEqual([1, 2, 2, 2]);
  expect(await rows()).toEqual([2, 2, 2]);
  await rm(other, { recursive: true });
});

it('tells what a run would take, without loading anything', async () => {
  const short = shortEngine({}, { deviceMemory: () => Promise.resolve({ free: 8e9, total: 16e9 }) });
  await short.engine.handle({ kind: 'forecast', requestId: 'f', use: { modelFolder: folder, provider: 'cpu', ...plainUse }, request });
  const [answer] = ofKind(short.messages, 'forecast-made');
  expect(answer?.forecast).toMatchObject({ verdict: 'fits', policy: 'keep', totalBytes: 16e9, tiledVae: false });
  expect(answer?.forecast.parts.map(({ part }) => part)).toEqual(['text_encoder', 'text_encoder_2', 'unet', 'vae_decoder']);
  expect(short.loaded).toEqual([]);
  await short.engine.handle({ kind: 'forecast', requestId: 'g', use: { modelFolder: '/nowhere', provider: 'cpu', ...plainUse }, request });
  expect(ofKind(short.messages, 'question-failed')[0]).toMatchObject({ requestId: 'g', failure: { code: 'MODEL_NOT_FOUND' } });
});
