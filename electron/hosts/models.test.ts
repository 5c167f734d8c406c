import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { singleTensors, writeFolder } from '../../e2e/checkpoints/fixtures.ts';
import { writeSafetensors } from '../../e2e/checkpoints/writeSafetensors.ts';
import { tinyModelFolder } from '../../e2e/parity/tiny/folder.ts';
import type { GenerationRequest } from '../../shared/generation.ts';
import type { Model } from '../../shared/models.ts';
import { readPngTexts } from '../media/png.ts';
import { forkEngine } from './forkEngine.ts';
import { closeAll, only, openTestApp, temporaryFolder, until, type TestApp } from './testing/testApp.ts';

afterEach(closeAll);

const realEngine = fileURLToPath(new URL('../engine/process.ts', import.meta.url));

type Options = Parameters<typeof openTestApp>[0];

/** The whole core with the real engine. */
function openRealApp(options: Options = {}): Promise<TestApp> {
  return openTestApp({ ...options, host: { startEngine: (cacheFolder) => forkEngine(realEngine, cacheFolder) } });
}

async function add(app: TestApp, at: string, variant?: string): Promise<Model> {
  const { source, variants } = await app.handlers['models.look']({ at });
  const { modelId } = await app.handlers['models.add']({ source, variant: variant ?? variants[0]?.id ?? '' });
  return await modelOf(app, modelId ?? '');
}

async function modelOf(app: TestApp, id: string): Promise<Model> {
  const model = (await app.handlers['models.list']({})).find((other) => other.id === id);
  if (model === undefined) throw new Error(`No model ${id}`);
  return model;
}

function hashed(app: TestApp, id: string): Promise<Model> {
  return until(async () => {
    const model = await modelOf(app, id);
    return model.hash === null ? null : model;
  });
}

const ask = ({ id, minSide, scheduler }: Model): Partial<GenerationRequest> => ({ modelId: id, width: minSide, height: minSide, scheduler, steps: 2 });
const sha256 = async (file: string): Promise<string> => createHash('sha256').update(await readFile(file)).digest('hex');

/** A single-file Stable Diffusion 1 of a few thousand weights, with CLIP's vocabulary. */
async function writeCheckpoint(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const tensors = singleTensors('sd1').map((tensor) =>
    tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [49_408, ...tensor.shape.slice(1)] } : tensor,
  );
  await writeSafetensors(file, tensors);
  return file;
}

describe('an ONNX folder, used where it lies', () => {
  it('is looked at, added, examined, hashed, draws a picture, and is removed again', { timeout: 120_000 }, async () => {
    const folder = await tinyModelFolder('sd');
    const app = await openRealApp();
    const before = await readdir(folder, { recursive: true });
    const offer = await app.handlers['models.look']({ at: `"${folder}/"` });
    expect(offer).toMatchObject({ source: { kind: 'path', path: folder }, variants: [{ id: 'onnx', origin: 'onnx' }] });
    expect(offer.variants[0]?.bytes).toBeGreaterThan(100_000);

    const model = await add(app, folder);
    expect(model).toMatchObject({ builtIn: false, origin: 'onnx', path: folder, isOwn: false, takesLoras: false, repo: null, problem: null, bytes: offer.variants[0]?.bytes });
    expect((await hashed(app, model.id)).hash).toBe(await sha256(join(folder, 'unet/model.onnx')));
    const report = await until(async () => await app.handlers['models.doctor']({ id: model.id, again: false }), 60_000);
    expect(report).toMatchObject({ modelId: model.id, provider: 'cpu', usable: true });

    const job = await app.ended(only(await app.submit(ask(model))));
    expect(job).toMatchObject({ state: 'finished', pictures: [{ modelName: model.name }] });
    const png = await readFile(join(app.data, 'pictures', only(job.pictures).fileName));
    const texts = readPngTexts(png).map(({ text }) => text).join('\n');
    expect(texts).toContain(`Model hash: ${(await sha256(join(folder, 'unet/model.onnx'))).slice(0, 10)}`);

    expect(await app.handlers['models.remove']({ id: model.id })).toEqual({ freedBytes: 0 });
    expect(await app.handlers['models.list']({})).toHaveLength(1);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
    await expect(app.submit(ask(model))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND', field: 'modelId' });
    await rm(folder, { recursive: true });
  });
});

describe('checkpoints', () => {
  it('a file draws without being copied; where it is gone or another one the model says so, and is read again', { timeout: 240_000 }, async () => {
    const file = await writeCheckpoint(join(await temporaryFolder(), 'models', 'ink v2.safetensors'));
    const app = await openRealApp();
    const model = await add(app, file);
    expect(model).toMatchObject({ name: 'ink v2', origin: 'checkpoint', path: file, family: 'sd', predictionType: 'epsilon', takesLoras: true, problem: null });
    expect((await hashed(app, model.id)).hash).toBe(await sha256(file));
    expect((await app.ended(only(await app.submit(ask(model))))).state).toBe('finished');

    await rename(file, `${file}.away`);
    expect((await modelOf(app, model.id)).problem).toMatchObject({ code: 'MODEL_NOT_FOUND', message: `There is nothing at ${file} any more.` });
    await expect(app.submit(ask(model))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND', field: 'modelId' });
    await rename(`${file}.away`, file);
    expect((await modelOf(app, model.id)).problem).toBeNull();
    expect((await app.ended(only(await app.submit(ask(model))))).state).toBe('finished');

    await writeCheckpoint(file);
    await utimes(file, 1, 1);
    expect((await app.ended(only(await app.submit(ask(model))))).state).toBe('finished');
    await writeFile(file, 'not a model any more');
    await until(async () => ((await modelOf(app, model.id)).problem?.code === 'MODEL_BAD' ? true : null));
    await expect(app.submit(ask(model))).rejects.toMatchObject({ code: 'MODEL_BAD' });

    const graphs = join(app.data, 'checkpoints');
    const before = (await readdir(graphs)).filter((name) => !name.startsWith('.'));
    expect(before).toHaveLength(1);
    const { freedBytes } = await app.handlers['models.remove']({ id: model.id });
    expect(freedBytes).toBeGreaterThan(10_000);
    expect(freedBytes).toBeLessThan(5_000_000 + (await stat(file)).size);
    expect((await readdir(graphs)).filter((name) => !name.startsWith('.'))).toEqual([]);
    await access(file);
  });

  it('a diffusers folder draws, too', { timeout: 120_000 }, async () => {
    const folder = await writeFolder('sdxl', await temporaryFolder());
    const app = await openRealApp();
    const model = await add(app, folder);
    expect(model).toMatchObject({ origin: 'diffusers', family: 'sdxl', takesLoras: true, path: folder });
    const job = await app.ended(only(await app.submit(ask(model))));
    expect([job.state, job.failure]).toEqual(['finished', null]);
  });

  it('what a file leaves open can be said, and is kept', async () => {
    const data = await temporaryFolder();
    const file = join(await temporaryFolder(), 'a.safetensors');
    await writeSafetensors(file, singleTensors('sd1'));
    const app = await openTestApp({ data });
    const model = await add(app, file);
    expect(model).toMatchObject({ predictionType: 'epsilon', uncertain: ['predictionType'] });
    const edited = await app.handlers['models.edit']({ id: model.id, predictionType: 'v_prediction', name: 'Mine' });
    expect(edited).toMatchObject({ predictionType: 'v_prediction', uncertain: [], name: 'Mine' });
    for (const change of [{ family: 'sdxl' as const }, { isInpaint: true }]) {
      await expect(app.handlers['models.edit']({ id: model.id, ...change })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: Object.keys(change)[0] });
    }
    await app.close();
    const next = await openTestApp({ data });
    expect(await modelOf(next, model.id)).toMatchObject({ name: 'Mine', predictionType: 'v_prediction', uncertain: [] });
  });

  it('is opened again where its graphs are gone, or of another version of the app', async () => {
    const data = await temporaryFolder();
    const file = join(await temporaryFolder(), 'a.safetensors');
    await writeSafetensors(file, singleTensors('sd1'));
    const app = await openTestApp({ data });
    const model = await hashed(app, (await add(app, file)).id);
    const [graphs = ''] = await readdir(join(data, 'checkpoints'));
    await rm(join(data, 'checkpoints', graphs), { recursive: true });
    expect((await app.ended(only(await app.submit(ask(model))))).state).toBe('finished');
    await access(join(data, 'checkpoints', graphs, 'checkpoint.json'));
    await app.close();

    const list = JSON.parse(await readFile(join(data, 'models.json'), 'utf8')) as { models: { readBy: string }[] };
    const old = { ...list, models: list.models.map((stored) => ({ ...stored, readBy: '0.0.1', folder: join(data, 'elsewhere') })) };
    await writeFile(join(data, 'models.json'), JSON.stringify(old));
    const next = await openTestApp({ data });
    expect((await next.ended(only(await next.submit(ask(model))))).state).toBe('finished');
    // The weights are the same: they are not hashed again.
    expect(await modelOf(next, model.id)).toEqual(model);
    await until(async () => ((await readFile(join(data, 'models.json'), 'utf8')).includes('0.0.1') ? null : true));
  });

  it('that its reader refuses is not added, in its words', async () => {
    const file = join(await temporaryFolder(), 'refused.safetensors');
    await writeSafetensors(file, singleTensors('sd1'));
    const app = await openTestApp();
    await expect(add(app, file)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', message: 'It is of another kind.' });
    expect(await app.handlers['models.list']({})).toHaveLength(1);
    const { source } = await app.handlers['models.look']({ at: file });
    await expect(app.handlers['models.add']({ source, variant: 'onnx' })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'at' });
  });
});

describe('the list of models', () => {
  it('outlives a restart; added again, by a link too, a model is the one it was', async () => {
    const data = await temporaryFolder();
    const folder = await tinyModelFolder('sdxl');
    const app = await openTestApp({ data });
    const model = await hashed(app, (await add(app, folder)).id);
    const link = join(data, 'link');
    await symlink(folder, link);
    expect((await add(app, link)).id).toBe(model.id);
    await until(() => app.log.find(({ name }) => name === 'doctor') ?? null);
    await app.close();

    const next = await openTestApp({ data });
    expect(await modelOf(next, model.id)).toEqual(model);
    expect(await next.handlers['models.doctor']({ id: model.id, again: false })).toMatchObject({ modelId: model.id, usable: true });
    await rm(folder, { recursive: true });
    const job = next.submit(ask(model));
    await expect(job).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND', message: `There is nothing at ${folder} any more.` });
    const told = next.log.flatMap(({ name, value }) => (name === 'models' ? [value as Model[]] : []));
    expect(told.at(-1)?.find(({ id }) => id === model.id)?.problem?.code).toBe('MODEL_NOT_FOUND');
    expect(await next.handlers['models.remove']({ id: model.id })).toEqual({ freedBytes: 0 });
    expect(JSON.parse(await readFile(join(data, 'models.json'), 'utf8'))).toEqual({ format: 1, models: [], reports: {} });
  });

  it('keeps a model that a run uses or waits for', async () => {
    const folder = await tinyModelFolder('sd');
    const app = await openTestApp();
    const model = await add(app, folder);
    const [first = '', second = ''] = await app.submit({ ...ask(model), prompt: 'slow', steps: 100 }, 2);
    await until(async () => ((await app.job(first)).steps.length > 0 ? true : null));
    await expect(app.handlers['models.remove']({ id: model.id })).rejects.toMatchObject({ code: 'INVALID_INPUT', nextStep: expect.stringContaining('queue') as string });
    await app.handlers['jobs.stop']({ jobId: second });
    await expect(app.handlers['models.remove']({ id: model.id })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await app.handlers['jobs.stop']({ jobId: first });
    await app.ended(first);
    await app.handlers['models.remove']({ id: model.id });
    // What was made with it can still be looked at; going on says why not.
    await expect(app.handlers['jobs.continue']({ jobId: first }).then(() => app.ended(first))).resolves.toMatchObject({ state: 'failed', failure: { code: 'MODEL_NOT_FOUND' } });
    await rm(folder, { recursive: true });
  });

  it('never lets go of the built-in model, and knows what it may not change', async () => {
    const app = await openTestApp();
    await expect(app.handlers['models.remove']({ id: 'starter' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(app.handlers['models.edit']({ id: 'starter', name: 'Mine' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    for (const id of ['none', '../starter', '__proto__']) {
      await expect(app.handlers['models.remove']({ id })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
      await expect(app.handlers['models.doctor']({ id, again: true })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    }
    expect((await modelOf(app, 'starter')).bytes).toBeGreaterThan(1_000_000);
  });

  it('takes up a download that was finished by the last session, and frees it', async () => {
    const data = await temporaryFolder();
    const folder = await tinyModelFolder('sd');
    const own = join(data, 'models', 'models', 'ann--ink@0123456789ab.onnx');
    await mkdir(dirname(own), { recursive: true });
    await mkdir(join(data, 'models', 'blobs'));
    await rename(folder, own);
    const file = { path: 'unet/model.onnx', to: 'unet/model.onnx', bytes: 1, oid: `git-${'0'.repeat(40)}` };
    const about = { format: 1, repo: 'ann/ink', revision: '0123456789'.repeat(4), variant: 'onnx', title: 'Ink', license: null, origin: 'onnx', files: [file] };
    await writeFile(join(own, 'stopbath.json'), JSON.stringify(about));
    const app = await openTestApp({ data });
    const model = await until(async () => (await app.handlers['models.list']({})).find(({ isOwn }) => isOwn) ?? null);
    expect(model).toMatchObject({ id: 'ann--ink@0123456789ab.onnx', name: 'Ink', repo: { id: 'ann/ink', revision: about.revision }, path: own, problem: null });
    const { freedBytes } = await app.handlers['models.remove']({ id: model.id });
    expect(freedBytes).toBeGreaterThanOrEqual(model.bytes);
    await expect(access(own)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a download that no reader takes', () => {
  it('is there to be seen and removed', async () => {
    const data = await temporaryFolder();
    const own = join(data, 'models', 'models', 'ann--refused@0123456789ab.checkpoint');
    await mkdir(own, { recursive: true });
    await mkdir(join(data, 'models', 'blobs'));
    await writeSafetensors(join(own, 'a.safetensors'), singleTensors('sd1'));
    const file = { path: 'a.safetensors', to: 'a.safetensors', bytes: 1, oid: `git-${'0'.repeat(40)}` };
    const about = { format: 1, repo: 'ann/refused', revision: '0123456789'.repeat(4), variant: 'checkpoint', title: 'Ink', license: null, origin: 'checkpoint', files: [file] };
    await writeFile(join(own, 'stopbath.json'), JSON.stringify(about));
    for (const session of ['first', 'second']) {
      const app = await openTestApp({ data });
      const model = await until(async () => (await app.handlers['models.list']({})).find(({ problem }) => problem !== null) ?? null);
      expect(model, session).toMatchObject({ isOwn: true, path: join(own, 'a.safetensors'), problem: { code: 'MODEL_UNSUPPORTED', message: 'It is of another kind.' } });
      await expect(app.submit(ask(model))).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', field: 'modelId' });
      if (session === 'second') expect((await app.handlers['models.remove']({ id: model.id })).freedBytes).toBeGreaterThan(100_000);
      await app.close();
    }
    expect(await readdir(dirname(own))).toEqual([]);
  });
});

describe('the calls around models', () => {
  it('a dialog is asked for where there is one', async () => {
    const asked: string[] = [];
    const app = await openTestApp({ host: { pickModel: (kind) => (asked.push(kind), Promise.resolve(kind === 'file' ? null : '/models/a')) } });
    expect(await app.handlers['models.pick']({ kind: 'folder' })).toEqual({ path: '/models/a' });
    expect(await app.handlers['models.pick']({ kind: 'file' })).toEqual({ path: null });
    expect(asked).toEqual(['folder', 'file']);
    const web = await openTestApp();
    await expect(web.handlers['models.pick']({ kind: 'file' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('folders of the settings are whole paths, and the models folder can be written to', async () => {
    const app = await openTestApp();
    const folder = await temporaryFolder();
    const set = app.handlers['settings.set'];
    await expect(set({ modelsFolder: 'models' })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'modelsFolder' });
    await expect(set({ modelsFolder: '/dev/null/models' })).rejects.toMatchObject({ code: 'FILE_ACCESS', field: 'modelsFolder' });
    await expect(set({ adapterFolders: ['/a', 'b'] })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'adapterFolders' });
    expect(await set({ modelsFolder: `"${folder}/new/"`, adapterFolders: [folder, `${folder}/`, '/not/connected'] })).toMatchObject({
      ...{ modelsFolder: join(folder, 'new'), adapterFolders: [folder, '/not/connected'] },
    });
    await writeFile(join(folder, 'ink.safetensors'), 'x');
    const files = await until(() => app.log.findLast(({ name }) => name === 'adapters')?.value ?? null);
    expect(Array.isArray(files)).toBe(true);
    await until(async () => ((await app.handlers['adapters.list']({})).some(({ name, rank }) => name === 'ink' && rank !== null) ? true : null));
  });

  it('a job with a LoRA that is not there is refused at once, and one whose LoRA goes fails when its turn comes', async () => {
    const app = await openTestApp();
    const file = join(await temporaryFolder(), 'a.safetensors');
    await writeSafetensors(file, singleTensors('sd1'));
    const model = await add(app, file);
    await mkdir(join(app.data, 'loras'));
    const lora = join(app.data, 'loras', 'ink.safetensors');
    await writeFile(lora, 'x');
    await expect(app.submit({ ...ask(model), prompt: '<lora:inc:1>' })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'prompt', nextStep: 'Did you mean ink?' });
    await expect(app.submit({ prompt: '<lora:ink:1>' })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('takes no LoRAs') as string });
    const [slow = ''] = await app.submit({ prompt: 'slow', steps: 60 });
    const [waiting = ''] = await app.submit({ ...ask(model), prompt: '<lora:ink:1>' });
    await rm(lora);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await app.handlers['jobs.stop']({ jobId: slow });
    expect(await app.ended(waiting)).toMatchObject({ state: 'failed', failure: { code: 'INVALID_INPUT', field: 'prompt' } });
  });

  it('offline nothing is asked of anybody', async () => {
    const app = await openTestApp();
    await app.handlers['settings.set']({ offline: true });
    await expect(app.handlers['models.look']({ at: 'owner/name' })).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(await app.handlers['network.log']({})).toMatchObject([{ status: null, problem: expect.stringContaining('offline') as string }]);
  });
});
