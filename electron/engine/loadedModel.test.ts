import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plainUse } from '../../shared/engineProtocol.ts';
import { LoadedModel } from './loadedModel.ts';
import { openSession } from './ort/session.ts';
import { tinyRequest } from './testing/engineRig.ts';
import { writeTinyModel } from './testing/tinyModel.ts';

it('holds the sessions of one model at a time, and none of a model that could not be loaded', async () => {
  let held = 0;
  let most = 0;
  const model = new LoadedModel({
    emit: () => undefined,
    openSession: async (file) => {
      const session = await openSession(file, 'cpu');
      most = Math.max(most, ++held);
      const { inputs, outputs } = session;
      const release = (): Promise<void> => {
        held--;
        return session.release();
      };
      return { inputs, outputs, run: (feeds) => session.run(feeds), release };
    },
    devices: {
      resolve: () => Promise.resolve({ provider: 'cpu', rungs: [] }),
      reject: () => undefined,
      isVerified: () => Promise.resolve(true),
      setVerified: () => Promise.resolve(),
    },
  });
  const [first, second, broken] = [await writeTinyModel(), await writeTinyModel(), await writeTinyModel()];
  // The last part: two sessions are open by then.
  await writeFile(join(broken, 'vae_decoder', 'model.onnx'), 'damaged');
  const parts: string[] = [];
  const run = { request: tinyRequest, task: 'text-to-image', decodesPreviews: false, onPart: (part: string) => parts.push(part) } as const;
  const open = (modelFolder: string) => model.open({ modelFolder, provider: 'cpu', ...plainUse }, run);
  const { pipeline } = await open(first);
  expect((await open(first)).pipeline).toBe(pipeline);
  expect(parts).toHaveLength(4);
  await open(second);
  expect([held, most]).toEqual([3, 3]);
  await expect(open(broken)).rejects.toMatchObject({ code: 'MODEL_BAD' });
  expect([held, model.provider]).toEqual([0, null]);
});
