import { expect, it } from 'vitest';
import type { EngineMessage } from '../../../shared/engineProtocol.ts';
import type { ProviderChoice, ProviderId } from '../../../shared/generation.ts';
import { Engine } from '../engine.ts';
import { openSession } from '../ort/session.ts';
import { mapTensor, tensor } from '../tensor/tensor.ts';
import { ofKind, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { relativeDifference } from './verify.ts';

/** A device that runs on the CPU and adds `error` to what the UNet says. */
async function runOn(choice: ProviderChoice, error: number): Promise<{ messages: EngineMessage[]; opened: string[] }> {
  const messages: EngineMessage[] = [];
  const opened: string[] = [];
  const rejected = new Set<ProviderId>();
  const engine = new Engine({
    emit: (message) => messages.push(message),
    openSession: async (file, provider) => {
      opened.push(`${provider} ${file.split('/').at(-2) ?? ''}`);
      const session = await openSession(file, 'cpu');
      if (provider === 'cpu' || !file.includes('unet')) return session;
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        release: () => session.release(),
        run: async (feeds) => {
          const { out_sample: out } = await session.run(feeds);
          return out === undefined ? {} : { out_sample: mapTensor(out, (value) => value + error) };
        },
      };
    },
    devices: {
      resolve: () => Promise.resolve({ provider: choice === 'auto' && rejected.has('webgpu') ? 'cpu' : 'webgpu', rungs: [] }),
      reject: (provider) => rejected.add(provider),
      isVerified: () => Promise.resolve(false),
      setVerified: () => Promise.resolve(),
    },
  });
  await engine.generate({
    kind: 'generate', jobId: 'j', request: tinyRequest, modelFolder: await writeTinyModel(), provider: choice, previewMode: 'off', paceMs: 0,
  });
  return { messages, opened };
}

it('a device that runs the model right is used', async () => {
  const { messages, opened } = await runOn('webgpu', 1e-4);
  expect(ofKind(messages, 'finished')[0]?.trace.provider).toBe('webgpu');
  expect(opened.filter((item) => item.startsWith('cpu'))).toEqual(['cpu text_encoder', 'cpu unet', 'cpu vae_decoder']);
});

it('one that does not is given up for the CPU when nobody asked for it', async () => {
  const { messages } = await runOn('auto', 0.5);
  expect(ofKind(messages, 'finished')[0]?.trace.provider).toBe('cpu');
});

it('and is an error when it was asked for by name', async () => {
  const { messages } = await runOn('webgpu', 0.5);
  expect(messages.at(-1)).toMatchObject({ kind: 'failed', failure: { code: 'PROVIDER_UNAVAILABLE' } });
});

it('the difference is a share of the largest value, and no number is infinitely far', () => {
  const one = (...values: number[]) => tensor([values.length], Float32Array.from(values));
  expect(relativeDifference(one(1, 4), one(1, 5))).toBeCloseTo(0.2);
  expect(relativeDifference(one(NaN, 5), one(1, 5))).toBe(Infinity);
  expect(relativeDifference(one(0), one(0))).toBe(0);
});
