import { afterEach, expect, it } from 'vitest';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tinyOnnx } from '../../../e2e/hub/model.ts';
import { createRig as createAnyRig, differs, take, type Rig } from '../../../e2e/hub/rig.ts';
import { contentOf, syntheticContent, type Content } from '../../../e2e/hub/content.ts';

let rig: Rig;
afterEach(() => rig.close());

/** No server is taken for a silent one here, however long this computer is busy with something else. */
const createRig = (): Promise<Rig> => createAnyRig({ network: { stallMs: 60_000 } });

/** What of {@link tinyOnnx} is a model's. */
const wanted = (files: Record<string, Content>): Record<string, Content> =>
  Object.fromEntries(Object.entries(files).filter(([path]) => path.includes('/') || path === 'model_index.json'));

it('fetches a model by its name: every byte, one rename, nothing left over', async () => {
  rig = await createRig();
  const files = tinyOnnx();
  const commit = rig.server.put('owner/name', files);
  const offer = await rig.downloads.look('owner/name');
  expect(offer).toMatchObject({ source: { kind: 'hub', repo: 'owner/name', revision: commit }, license: 'mit', gated: false });
  expect(offer.variants).toHaveLength(1);
  const bytes = Object.values(wanted(files)).reduce((sum, content) => sum + content.bytes, 0);
  expect(offer.variants[0]).toMatchObject({ id: 'onnx', bytes, bytesHere: 0 });
  const { downloadId } = await rig.downloads.add({ repo: 'owner/name', revision: commit }, 'onnx');
  const done = await rig.until(downloadId ?? '', 'done', 'failed');
  expect(done).toMatchObject({ state: 'done', bytesDone: bytes, bytesTotal: bytes, modelId: 'model-1', failure: null });
  const folder = rig.done[0]?.folder ?? '';
  expect(folder).toBe(join(rig.folder, 'models', `owner--name@${commit.slice(0, 12)}.onnx`));
  expect(await differs(folder, wanted(files))).toBeNull();
  // Compressed bytes could be neither counted nor continued.
  expect(rig.server.seen.filter(({ at }) => at !== 'api').every(({ encoding }) => encoding === 'identity')).toBe(true);
  expect((await readdir(join(rig.folder, 'blobs'))).filter((name) => /part|etag/.test(name))).toEqual([]);
});

const big = (files: Record<string, Content>): Content => {
  const content = files['unet/model.onnx_data'];
  if (content === undefined) throw new Error('no big file');
  return content;
};
const cdnRequests = (of: Rig, content: Content): Rig['server']['seen'] => of.server.seen.filter(({ at, path }) => at === 'cdn' && path.includes(content.sha256));
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** The server sends so much of each file and then waits; this waits until one of the downloads has that many bytes in all. */
async function held(heldAt: number, bytes: number): Promise<void> {
  rig.server.heldAt = heldAt;
  while (!rig.downloads.list().some(({ bytesDone }) => bytesDone >= bytes)) await pause(5);
}

it('goes on after a restart of the app from the bytes that are there', async () => {
  rig = await createRig();
  const files = tinyOnnx(100_000);
  rig.server.put('owner/name', files);
  rig.server.heldAt = 150_000;
  const id = await take(rig, 'owner/name');
  await held(150_000, 250_000);
  expect(rig.downloads.list()[0]).toMatchObject({ state: 'running', file: 'unet/model.onnx_data' });
  rig = await rig.restart();
  expect(rig.downloads.list()).toEqual([]);
  rig.server.seen.length = 0;
  rig.server.heldAt = null;
  await rig.downloads.start();
  expect(rig.downloads.list()[0]).toMatchObject({ id });
  expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done' });
  // The list of files is not asked for again, the rest of the big file is.
  expect(rig.server.seen.filter(({ at }) => at === 'api')).toEqual([]);
  expect(cdnRequests(rig, big(files))).toMatchObject([{ range: expect.stringMatching(/^bytes=[1-9]\d+-$/), ifRange: `"${big(files).sha256}"` }]);
  expect(await differs(rig.done[0]?.folder ?? '', wanted(files))).toBeNull();
});

it('pauses within a moment, stays paused over a restart, resumes, and counts honestly', async () => {
  rig = await createRig();
  const files = tinyOnnx(100_000);
  rig.server.put('owner/name', files);
  rig.server.heldAt = 150_000;
  const id = await take(rig, 'owner/name');
  await held(150_000, 250_000);
  await rig.downloads.pause(id);
  const paused = rig.downloads.list()[0];
  expect(paused).toMatchObject({ state: 'paused', bytesPerSecond: 0, failure: null });
  // Whoever still listened would get the rest now.
  rig.server.heldAt = null;
  await pause(120);
  expect(rig.downloads.list()[0]?.bytesDone).toBe(paused?.bytesDone);
  rig = await rig.restart();
  await rig.downloads.start();
  expect(rig.downloads.list()).toMatchObject([{ id, state: 'paused', bytesDone: paused?.bytesDone }]);
  await rig.downloads.resume(id);
  expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done' });
  expect(await differs(rig.done[0]?.folder ?? '', wanted(files))).toBeNull();
});

it('tells progress that only grows, at most four times a second, and a rate while it runs', async () => {
  rig = await createRig();
  rig.server.put('owner/name', tinyOnnx(200_000));
  // It lasts a second and a quarter at the least: it is told of in between.
  rig.server.bytesPerSecond = 400_000;
  const began = performance.now();
  const id = await take(rig, 'owner/name');
  await rig.until(id, 'done', 'failed');
  while (rig.told.at(-1)?.state !== 'done') await pause(5);
  const seconds = (performance.now() - began) / 1000;
  const told = rig.told.filter((one) => one.id === id);
  told.reduce((before, now) => (expect(now.bytesDone).toBeGreaterThanOrEqual(before.bytesDone), now));
  expect(told.at(-1)).toMatchObject({ state: 'done', bytesDone: told.at(-1)?.bytesTotal, bytesPerSecond: 0 });
  // Changes of state come at once, beside the paced ones.
  expect(told.length).toBeLessThan(4 * seconds + 8);
  const rates = told.filter(({ state, bytesDone }) => state === 'running' && bytesDone > 0).map(({ bytesPerSecond }) => bytesPerSecond);
  expect(rates.length).toBeGreaterThan(0);
  expect(Math.max(...rates)).toBeGreaterThan(0);
});

it('keeps one copy of what two models share, and frees it with the second', async () => {
  rig = await createRig();
  const files = tinyOnnx(50_000);
  rig.server.put('owner/one', files);
  rig.server.put('owner/two', { ...files, 'unet/config.json': '{"in_channels":9}' });
  await rig.until(await take(rig, 'owner/one'), 'done');
  rig.server.seen.length = 0;
  const offer = await rig.downloads.look('owner/two');
  expect(offer.variants[0]?.bytesHere).toBe((offer.variants[0]?.bytes ?? 0) - '{"in_channels":9}'.length);
  await rig.until(await take(rig, 'owner/two'), 'done');
  expect(rig.server.seen.filter(({ at }) => at === 'cdn')).toEqual([]);
  const [one = '', two = ''] = rig.done.map(({ folder }) => folder);
  const [a, b] = await Promise.all([one, two].map((folder) => stat(join(folder, 'unet/model.onnx_data'))));
  expect(a?.ino).toBe(b?.ino);
  // One's own: its unet/config.json and stopbath.json.
  const ownBytes = (await stat(join(one, 'stopbath.json'))).size + '{"in_channels":4}'.length;
  expect(await rig.downloads.remove(one)).toBe(ownBytes);
  expect(await differs(two, { ...wanted(files), 'unet/config.json': contentOf('{"in_channels":9}') })).toBeNull();
  const all = Object.values(wanted(files)).reduce((sum, { bytes }) => sum + bytes, 0);
  // The replaced unet/config.json is as long as the first one's; stopbath.json is the model's own.
  const ownFile = Buffer.byteLength(`${JSON.stringify(rig.done[1]?.model, null, 2)}\n`);
  expect(await rig.downloads.remove(two)).toBe(all + ownFile);
  expect(await readdir(join(rig.folder, 'blobs'))).toEqual([]);
  expect(await readdir(join(rig.folder, 'models'))).toEqual([]);
});

it('fetches content once that two downloads want at the same time, also when the first is paused', async () => {
  rig = await createRig();
  const files = tinyOnnx(100_000);
  rig.server.put('owner/one', files);
  rig.server.put('owner/two', { ...files, 'unet/config.json': '{"in_channels":9}' });
  rig.server.heldAt = 150_000;
  const ids = [await take(rig, 'owner/one'), await take(rig, 'owner/two')];
  await held(150_000, 320_000);
  const fetcher = rig.downloads.list().find(({ file }) => file === 'unet/model.onnx_data')?.id ?? '';
  const other = ids.find((id) => id !== fetcher) ?? '';
  await rig.downloads.pause(fetcher);
  rig.server.heldAt = null;
  expect(await rig.until(other, 'done', 'failed')).toMatchObject({ state: 'done' });
  expect(cdnRequests(rig, big(files)).map(({ range }) => range)).toEqual([null, expect.stringMatching(/^bytes=\d+-$/)]);
  await rig.downloads.resume(fetcher);
  expect(await rig.until(fetcher, 'done', 'failed')).toMatchObject({ state: 'done' });
  expect(cdnRequests(rig, big(files))).toHaveLength(2);
});

it('runs two downloads at once and the third after them', async () => {
  rig = await createRig();
  for (const [at, name] of ['one', 'two', 'three'].entries()) rig.server.put(`owner/${name}`, { ...tinyOnnx(), 'unet/model.onnx_data': syntheticContent(100_000, 50 + at) });
  rig.server.heldAt = 0;
  const ids = [await take(rig, 'owner/one'), await take(rig, 'owner/two'), await take(rig, 'owner/three')];
  expect(rig.downloads.list().map(({ state }) => state)).toEqual([expect.not.stringMatching('waiting'), expect.not.stringMatching('waiting'), 'waiting']);
  rig.server.heldAt = null;
  for (const id of ids) expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done' });
});

it('cancels: what was fetched is gone, what others need stays', async () => {
  rig = await createRig();
  const files = tinyOnnx(100_000);
  rig.server.put('owner/one', files);
  rig.server.put('owner/two', { ...files, 'unet/config.json': '{"in_channels":9}' });
  rig.server.heldAt = 150_000;
  const one = await take(rig, 'owner/one');
  const two = await take(rig, 'owner/two');
  await held(150_000, 250_000);
  await rig.downloads.pause(two);
  await rig.downloads.cancel(one);
  expect(rig.downloads.list().map(({ id }) => id)).toEqual([two]);
  expect((await readdir(join(rig.folder, 'blobs'))).length).toBeGreaterThan(0);
  await rig.downloads.cancel(two);
  expect(await readdir(join(rig.folder, 'blobs'))).toEqual([]);
  await expect(rig.downloads.resume(two)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('stops when the offline switch is set, and goes on by itself when it is taken back', async () => {
  rig = await createRig();
  const files = tinyOnnx(100_000);
  rig.server.put('owner/name', files);
  rig.server.heldAt = 150_000;
  const id = await take(rig, 'owner/name');
  await held(150_000, 250_000);
  rig.offline = true;
  rig.network.offlineChanged();
  const waiting = await rig.until(id, 'waiting');
  expect(waiting.failure).toMatchObject({ code: 'OFFLINE', nextStep: expect.stringContaining('Stay offline') });
  const requests = rig.server.seen.length;
  await pause(100);
  expect(rig.server.seen).toHaveLength(requests);
  await expect(rig.downloads.look('owner/name')).rejects.toMatchObject({ code: 'OFFLINE' });
  rig.offline = false;
  rig.server.heldAt = null;
  rig.network.offlineChanged();
  expect(await rig.until(id, 'done', 'failed')).toMatchObject({ state: 'done', failure: null });
});

it('adds a model that is here without asking for its files, and never twice at a time', async () => {
  rig = await createRig();
  rig.server.put('owner/name', tinyOnnx());
  const offer = await rig.downloads.look('owner/name');
  if (offer.source.kind !== 'hub') throw new Error('no hub');
  const [first, second] = await Promise.all([rig.downloads.add(offer.source, 'onnx'), rig.downloads.add(offer.source, 'onnx')]);
  expect(second).toEqual(first);
  await rig.until(first.downloadId ?? '', 'done');
  rig.server.seen.length = 0;
  expect(await rig.downloads.add(offer.source, 'onnx')).toEqual({ modelId: 'model-2', downloadId: null });
  expect(rig.server.seen).toEqual([]);
  await expect(rig.downloads.add(offer.source, 'onnx-fp64')).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'variant' });
  await expect(rig.downloads.add({ repo: '../../etc', revision: 'main' }, 'onnx')).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'source' });
});

it('sets a damaged list aside and says so; the parts are used by the next try', async () => {
  rig = await createRig();
  const files = tinyOnnx(100_000);
  rig.server.put('owner/name', files);
  rig.server.heldAt = 250_000;
  await take(rig, 'owner/name');
  await held(250_000, 400_000);
  await rig.downloads.close();
  rig.server.heldAt = null;
  await writeFile(join(rig.folder, 'downloads.json'), '{"format":1,"downloads":[{"id":"../../x"}]}');
  rig = await rig.restart();
  await rig.downloads.start();
  expect(rig.notices).toMatchObject([{ code: 'FILE_ACCESS', message: expect.stringContaining('set aside') }]);
  expect(await readdir(rig.folder)).toContain('downloads.json.damaged');
  rig.server.seen.length = 0;
  expect(await rig.until(await take(rig, 'owner/name'), 'done', 'failed')).toMatchObject({ state: 'done' });
  expect(cdnRequests(rig, big(files)).map(({ range }) => range)).toEqual([expect.stringMatching(/^bytes=[1-9]\d+-$/)]);
});

it('fetches content once that a model has twice', async () => {
  rig = await createRig();
  const same = syntheticContent(3000, 9);
  const files = { ...tinyOnnx(), 'text_encoder/model.onnx': same, 'vae_decoder/model.onnx': same };
  rig.server.put('owner/name', files);
  const id = await take(rig, 'owner/name');
  await rig.until(id, 'done');
  const folder = rig.done[0]?.folder ?? '';
  expect(await differs(folder, wanted(files))).toBeNull();
  expect((await stat(join(folder, 'text_encoder/model.onnx'))).nlink).toBe(3);
  expect(rig.server.seen.filter(({ at, path }) => at === 'cdn' && path.includes(same.sha256))).toHaveLength(1);
});

it('removes a model whose download does not know yet that it is done, and it stays removed', async () => {
  rig = await createRig();
  const files = tinyOnnx(50_000);
  rig.server.put('owner/name', files);
  await rig.until(await take(rig, 'owner/name'), 'done');
  const { folder = '', model } = rig.done[0] ?? {};
  // As a crash between the last rename and the list leaves it.
  const left = { id: '01234567-89ab', state: 'waiting', failure: null, model };
  for (const forget of ['remove', 'cancel'] as const) {
    await rig.downloads.close();
    await writeFile(join(rig.folder, 'downloads.json'), JSON.stringify({ format: 1, downloads: [left] }));
    rig = await rig.restart();
    await rig.downloads.start();
    expect(rig.downloads.list()).toHaveLength(1);
    if (forget === 'remove') {
      const all = Object.values(wanted(files)).reduce((sum, { bytes }) => sum + bytes, 0);
      expect(await rig.downloads.remove(folder)).toBeGreaterThan(all);
    } else await rig.downloads.cancel(left.id);
    await pause(100);
    expect(rig.downloads.list()).toEqual([]);
    expect([...(await readdir(join(rig.folder, 'blobs'))), ...(await readdir(join(rig.folder, 'models')))]).toEqual([]);
  }
});
