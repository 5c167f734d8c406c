import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { tinyModelFolder, type TinyVariant } from '../../../e2e/parity/tiny/folder.ts';
import { plainUse, type EngineMessage } from '../../../shared/engineProtocol.ts';
import { type GenerationRequest, parseGenerationRequest, type ProviderChoice, type ProviderId } from '../../../shared/generation.ts';
import { Engine } from '../engine.ts';
import { openSession } from '../ort/session.ts';
import { mapTensor, tensor } from '../tensor/tensor.ts';
import { ofKind, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { relativeDifference } from './verify.ts';

interface Device {
  readonly choice: ProviderChoice;
  /** The part whose outputs it gets wrong, and by how much. */
  readonly part: string;
  readonly error: number;
}

/** Requests, one after the other, on a device that runs on the CPU and adds `error` to what one part says. */
async function runOn({ choice, part, error }: Device, folder: string, requests: readonly GenerationRequest[]) {
  const messages: EngineMessage[] = [];
  const opened: string[] = [];
  const verified = new Set<string>();
  const rejected = new Set<ProviderId>();
  const engine = new Engine({
    emit: (message) => messages.push(message),
    openSession: async (file, provider) => {
      opened.push(`${provider} ${file.split('/').at(-2) ?? ''}`);
      const session = await openSession(file, 'cpu');
      if (provider === 'cpu' || !file.includes(part)) return session;
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        release: () => session.release(),
        run: async (feeds) =>
          Object.fromEntries(Object.entries(await session.run(feeds)).map(([name, value]) => [name, mapTensor(value, (x) => x + error)])),
      };
    },
    devices: {
      resolve: () => Promise.resolve({ provider: choice === 'auto' && rejected.has('webgpu') ? 'cpu' : 'webgpu', rungs: [] }),
      reject: (provider) => rejected.add(provider),
      isVerified: (_provider, hash) => Promise.resolve(verified.has(hash)),
      setVerified: (_provider, hash) => Promise.resolve(void verified.add(hash)),
    },
  });
  const image = { width: 64, height: 64, rgb: new Uint8Array(64 * 64 * 3).fill(90) };
  const mask = { width: 64, height: 64, grey: new Uint8Array(64 * 64).fill(255) };
  for (const request of requests) {
    const inputs = request.task === 'text-to-image' ? null : { image, mask: request.task === 'inpaint' ? mask : null };
    await engine.generate({ kind: 'generate', jobId: 'j', request, inputs, modelFolder: folder, provider: choice, ...plainUse, previewMode: 'off', paceMs: 0 });
  }
  return { messages, references: opened.filter((item) => item.startsWith('cpu')) };
}

const named = { id: 'a'.repeat(64), width: 64, height: 64 };
const fromPicture = parseGenerationRequest({ ...tinyRequest, task: 'image-to-image', image: named });
const inpaint = parseGenerationRequest({ ...tinyRequest, task: 'inpaint', image: named, mask: named });
const right: Device = { choice: 'webgpu', part: 'unet', error: 1e-4 };

it('a device that runs the model right is used', async () => {
  const { messages, references } = await runOn(right, await writeTinyModel(), [tinyRequest]);
  expect(ofKind(messages, 'finished')[0]?.trace.provider).toBe('webgpu');
  expect(references).toEqual(['cpu text_encoder', 'cpu unet', 'cpu vae_decoder']);
});

it('one that does not is given up for the CPU when nobody asked for it', async () => {
  const { messages } = await runOn({ choice: 'auto', part: 'unet', error: 0.5 }, await writeTinyModel(), [tinyRequest]);
  expect(ofKind(messages, 'finished')[0]?.trace.provider).toBe('cpu');
});

it('and is an error when it was asked for by name', async () => {
  const { messages } = await runOn({ choice: 'webgpu', part: 'unet', error: 0.5 }, await writeTinyModel(), [tinyRequest]);
  expect(messages.at(-1)).toMatchObject({ kind: 'failed', failure: { code: 'PROVIDER_UNAVAILABLE' } });
});

it.each<[TinyVariant, string[]]>([
  ['sd-inpaint', ['text_encoder', 'unet', 'vae_decoder', 'vae_encoder']],
  ['sd-lcm', ['text_encoder', 'unet', 'vae_decoder', 'vae_encoder']],
  ['sdxl', ['text_encoder', 'text_encoder_2', 'unet', 'vae_decoder', 'vae_encoder']],
  ['sdxl-refiner', ['text_encoder_2', 'unet', 'vae_decoder', 'vae_encoder']],
])('every part of a %s model is compared, the encoder once it is needed', async (variant, parts) => {
  const folder = await tinyModelFolder(variant);
  const { messages, references } = await runOn(right, folder, [inpaint, inpaint]);
  expect(ofKind(messages, 'finished').map(({ trace }) => trace.provider)).toEqual(['webgpu', 'webgpu']);
  expect(references).toEqual(parts.map((part) => `cpu ${part}`));
  await rm(folder, { recursive: true });
});

it('a device that gets only the encoder wrong is given up when a picture comes', async () => {
  const folder = await tinyModelFolder('sd');
  const { messages } = await runOn({ choice: 'auto', part: 'vae_encoder', error: 5 }, folder, [tinyRequest, fromPicture]);
  expect(ofKind(messages, 'finished').map(({ trace }) => trace.provider)).toEqual(['webgpu', 'cpu']);
  const byName = await runOn({ choice: 'webgpu', part: 'vae_encoder', error: 5 }, folder, [fromPicture, fromPicture, tinyRequest]);
  expect(byName.messages.filter(({ kind }) => kind === 'failed' || kind === 'finished').map(({ kind }) => kind)).toEqual(['failed', 'failed', 'finished']);
  await rm(folder, { recursive: true });
});

it('the difference is a share of the largest value, and no number is infinitely far', () => {
  const one = (...values: number[]) => tensor([values.length], Float32Array.from(values));
  expect(relativeDifference(one(1, 4), one(1, 5))).toBeCloseTo(0.2);
  expect(relativeDifference(one(NaN, 5), one(1, 5))).toBe(Infinity);
  expect(relativeDifference(one(0), one(0))).toBe(0);
});
