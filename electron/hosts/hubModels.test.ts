import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { contentOf } from '../../e2e/hub/content.ts';
import { filesOf, startHub, type TestHub } from '../../e2e/hub/server.ts';
import { tinyModelFolder } from '../../e2e/parity/tiny/folder.ts';
import type { Download, Model } from '../../shared/models.ts';
import { closeAll, openTestApp, temporaryFolder, until, type TestApp } from './testing/testApp.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await startHub();
  vi.stubEnv('STOPBATH_HUB', hub.url);
  vi.stubEnv('STOPBATH_HUB_HOSTS', hub.cdnHost);
  const folder = await tinyModelFolder('sd');
  const files = Object.entries(filesOf(folder)).map(([path, bytes]) => [path, contentOf(bytes)] as const);
  hub.put('ann/ink', Object.fromEntries(files), { isPrivate: true });
  hub.tokens.add('hf_good');
  await rm(folder, { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await closeAll();
  await hub.close();
});

async function takeInk(app: TestApp): Promise<Model> {
  const { source, variants } = await app.handlers['models.look']({ at: 'ann/ink' });
  const { downloadId } = await app.handlers['models.add']({ source, variant: variants[0]?.id ?? '' });
  const done = await until(() => {
    const told = app.log.findLast(({ name, value }) => name === 'download' && (value as Download).id === downloadId)?.value as Download | undefined;
    return told?.state === 'done' || told?.state === 'failed' ? told : null;
  });
  expect(done).toMatchObject({ state: 'done', failure: null });
  const model = (await app.handlers['models.list']({})).find(({ id }) => id === done.modelId);
  if (model === undefined) throw new Error('The model is not in the list');
  return model;
}

it('a model of the hub is asked for with the token, comes into the list, and gives its disk back', async () => {
  const app = await openTestApp();
  await expect(app.handlers['models.look']({ at: 'ann/ink' })).rejects.toMatchObject({ code: 'NOT_FOUND', nextStep: expect.stringContaining('token') as string });
  await app.handlers['hub.setToken']({ token: ' hf_good\n' });
  expect(await app.handlers['hub.token']({})).toEqual({ isSet: true, isSafe: false });

  const model = await takeInk(app);
  expect(model).toMatchObject({ name: 'ink', origin: 'onnx', isOwn: true, problem: null, repo: { id: 'ann/ink', revision: expect.stringMatching(/^[0-9a-f]{40}$/) as string } });
  expect(model.path).toContain(join(app.data, 'models'));
  expect(app.log.some(({ name, value }) => name === 'models' && (value as Model[]).some(({ id }) => id === model.id))).toBe(true);
  await until(() => app.log.find(({ name }) => name === 'doctor') ?? null);
  // It is here already.
  const { source, variants } = await app.handlers['models.look']({ at: `${hub.url}/ann/ink` });
  expect(variants[0]?.bytesHere).toBe(variants[0]?.bytes);
  expect(await app.handlers['models.add']({ source, variant: variants[0]?.id ?? '' })).toEqual({ modelId: model.id, downloadId: null });

  const log = await app.handlers['network.log']({});
  expect(log.length).toBeGreaterThan(3);
  expect(JSON.stringify(log)).not.toContain('hf_good');

  const { freedBytes } = await app.handlers['models.remove']({ id: model.id });
  // Small files that are equal are there once.
  expect(freedBytes).toBeGreaterThan(0.99 * model.bytes);
  expect(await readdir(join(app.data, 'models', 'models'))).toEqual([]);
  expect(await readdir(join(app.data, 'models', 'blobs'))).toEqual([]);
});

it('goes to the models folder that is set meanwhile; what is in the old one stays and can be removed', async () => {
  const app = await openTestApp();
  await app.handlers['hub.setToken']({ token: 'hf_good' });
  const first = await takeInk(app);
  const folder = await temporaryFolder();
  await app.handlers['settings.set']({ modelsFolder: join(folder, 'weights') });
  await until(async () => ((await readdir(join(folder, 'weights')).catch(() => [])).length >= 0 && (await app.handlers['models.look']({ at: 'ann/ink' })).variants[0]?.bytesHere === 0 ? true : null));
  expect((await app.handlers['models.list']({})).find(({ id }) => id === first.id)?.problem).toBeNull();
  expect((await app.handlers['models.remove']({ id: first.id })).freedBytes).toBeGreaterThan(0.99 * first.bytes);
  const second = await takeInk(app);
  expect(second.path).toContain(join(folder, 'weights'));
  expect(second.problem).toBeNull();
});
