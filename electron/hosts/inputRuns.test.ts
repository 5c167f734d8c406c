import { readdir, readFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { inflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { inputImageSchema, type InputImage } from '../../shared/generation.ts';
import { writeFileAtomic } from '../core/files.ts';
import { encodePng, readPngTexts } from '../media/png.ts';
import { pngChunks } from '../media/pngChunks.ts';
import { closeAll, only, openTestApp, request, temporaryFolder, until, type TestApp } from './testing/testApp.ts';

afterEach(closeAll);

async function send(app: TestApp, shade: number, width = 64, height = 64): Promise<InputImage> {
  const body = new Uint8Array(await encodePng({ width, height, rgb: new Uint8Array(width * height * 3).fill(shade) }, []));
  const response = await app.fetchUi(new Request('http://127.0.0.1/inputs', { method: 'POST', body, headers: { 'content-type': 'image/png' } }));
  expect(response.status).toBe(201);
  return inputImageSchema.parse(await response.json());
}

async function bytesAt(app: TestApp, url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await app.fetchUi(new Request(new URL(url, 'http://127.0.0.1')))).arrayBuffer());
}

function firstPixel(png: Uint8Array): number | undefined {
  const pixels = [...pngChunks(png)].find(({ type }) => type === 'IDAT');
  return pixels === undefined ? undefined : inflateSync(pixels.data)[1];
}

async function firstPixels(app: TestApp, pictures: readonly { url: string }[]): Promise<(number | undefined)[]> {
  return await Promise.all(pictures.map(async ({ url }) => firstPixel(await bytesAt(app, url))));
}

describe('a run from pictures', () => {
  it('gives them to the engine, tells where its previews belong, and gives them again to keep what it had reached', async () => {
    const app = await openTestApp();
    const [image, mask] = [await send(app, 30), await send(app, 7)];
    const inpaint = { task: 'inpaint', image, mask, maskPadding: 16 } as const;
    const job = await app.ended(only(await app.submit(inpaint)));
    expect(await firstPixels(app, job.pictures)).toEqual([37]);
    expect(job.previews[0]?.region).toEqual({ left: 1, top: 2, width: 32, height: 24 });

    const stopped = only(await app.submit({ ...inpaint, prompt: 'slow', steps: 100 }));
    await until(async () => ((await app.job(stopped)).steps.length >= 2 ? true : null));
    await app.handlers['jobs.stop']({ jobId: stopped });
    const { steps } = await app.ended(stopped);
    const { pictures } = await app.handlers['jobs.keep']({ jobId: stopped });
    expect(await firstPixels(app, pictures)).toEqual([steps.length + 100]);
  });

  it('is refused while a picture it names is not there, or is of another size', async () => {
    const app = await openTestApp();
    const image = await send(app, 30);
    const image2 = { ...image, id: 'ab'.repeat(32) };
    await expect(app.submit({ task: 'image-to-image', image: image2 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'image',
      nextStep: 'Choose the picture again.',
    });
    await expect(app.submit({ task: 'inpaint', image, mask: image2 })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'mask' });
    await expect(app.submit({ task: 'image-to-image', image: { ...image, height: 8 } })).rejects.toMatchObject({ field: 'image' });
    expect(await app.handlers['jobs.list']({})).toEqual([]);
  });

  it('fails when its picture is gone by the time it starts, and the queue goes on', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const image = await send(before, 30);
    await before.close();
    // This one has not seen the picture yet, so it is not in its memory.
    const app = await openTestApp({ data });
    const first = only(await app.submit({ prompt: 'slow', steps: 10 }));
    const second = only(await app.submit({ task: 'image-to-image', image }));
    const third = only(await app.submit());
    await rm(join(app.data, 'inputs', `${image.id}.png`));
    expect(await app.ended(second)).toMatchObject({ state: 'failed', keepable: false, failure: { code: 'INVALID_INPUT', field: 'image' } });
    expect((await app.ended(first)).state).toBe('finished');
    expect((await app.ended(third)).state).toBe('finished');
  });

  it('can start from a picture of the library', async () => {
    const app = await openTestApp();
    const { id } = only((await app.ended(only(await app.submit()))).pictures);
    const image = await app.handlers['inputs.fromPicture']({ id });
    expect(image).toMatchObject({ width: 64, height: 64 });
    expect(readPngTexts(await bytesAt(app, `/inputs/${image.id}.png`))).toEqual([]);
    const job = await app.ended(only(await app.submit({ task: 'image-to-image', image })));
    expect(await firstPixels(app, job.pictures)).toEqual([200]);
    await expect(app.handlers['inputs.fromPicture']({ id: '../settings' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a batch', () => {
  it('saves every picture with its place, its own seed and its own prompt', async () => {
    const app = await openTestApp();
    const change = { morePrompts: ['a blue house'], imagesPerPrompt: 2, seed: '18446744073709551614' };
    const job = await app.ended(only(await app.submit(change)));
    expect(job.pictures.map(({ batchIndex }) => batchIndex)).toEqual([0, 1, 2, 3]);
    expect(await firstPixels(app, job.pictures)).toEqual([200, 201, 202, 203]);
    const names = job.pictures.map(({ fileName }) => fileName.replace(/_[0-9a-f]{6}/, '').replace(/^.*_seed/, 'seed'));
    expect(names).toEqual(['seed-18446744073709551614-1.png', 'seed-18446744073709551615-2.png', 'seed-0-3.png', 'seed-1-4.png']);
    const texts = await Promise.all(job.pictures.map(async ({ url }) => readPngTexts(await bytesAt(app, url))[0]?.text ?? ''));
    expect(texts.map((text) => text.split('\n')[0])).toEqual(['a red house', 'a red house', 'a blue house', 'a blue house']);
    expect(texts.map((text) => /Seed: (\d+)/.exec(text)?.[1])).toEqual(['18446744073709551614', '18446744073709551615', '0', '1']);
    // The library, read anew from the files, knows their places too.
    const listed = await app.handlers['library.list']({ before: null, limit: 10 });
    expect(listed.pictures.map(({ batchIndex }) => batchIndex)).toEqual([3, 2, 1, 0]);
  });

  it('goes on counting seeds after the last of the batch before', async () => {
    const app = await openTestApp();
    const seeds = async (batchSeeds: 'per-image' | 'shared'): Promise<string[]> => {
      const jobIds = await app.submit({ steps: 1, imagesPerPrompt: 3, seed: '10', batchSeeds }, 2);
      return (await Promise.all(jobIds.map((jobId) => app.ended(jobId)))).map((job) => job.request.seed);
    };
    expect(await seeds('per-image')).toEqual(['10', '13']);
    expect(await seeds('shared')).toEqual(['10', '11']);
  });

  it('keeps the rest when the disk was full after the first', async () => {
    let room = 1;
    const app = await openTestApp({
      write: async (path, bytes) => {
        if (path.endsWith('.png') && room-- <= 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        await writeFileAtomic(path, bytes);
      },
    });
    const jobId = only(await app.submit({ imagesPerPrompt: 3 }));
    expect(await app.ended(jobId)).toMatchObject({ state: 'failed', keepable: true, failure: { code: 'DISK_FULL' } });
    room = 10;
    const { pictures } = await app.handlers['jobs.keep']({ jobId });
    expect(pictures.map(({ batchIndex, completeness }) => `${batchIndex} ${completeness}`)).toEqual(['0 complete', '1 complete', '2 complete']);
    expect(await readdir(join(app.data, 'pictures'))).toHaveLength(3);
  });

  it('keeps what all its pictures had reached', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'slow', steps: 50, imagesPerPrompt: 2 }));
    await until(async () => ((await app.job(jobId)).steps.length >= 1 ? true : null));
    await app.handlers['jobs.stop']({ jobId });
    await app.ended(jobId);
    const { pictures } = await app.handlers['jobs.keep']({ jobId });
    expect(pictures.map(({ batchIndex, completeness }) => `${batchIndex} ${completeness}`)).toEqual(['0 partial', '1 partial']);
  });

  it('loses from its job the pictures that are deleted, and with the last of them the job', async () => {
    const app = await openTestApp();
    const { pictures } = await app.ended(only(await app.submit({ imagesPerPrompt: 2 })));
    const [first = '', second = ''] = pictures.map(({ id }) => id);
    await app.handlers['library.remove']({ id: first });
    expect(only(await app.handlers['jobs.list']({})).pictures.map(({ id }) => id)).toEqual([second]);
    await app.handlers['library.remove']({ id: second });
    expect(await app.handlers['jobs.list']({})).toEqual([]);
    await app.handlers['library.restore']({ id: first });
    expect(only(await app.handlers['jobs.list']({})).pictures.map(({ id }) => id)).toEqual([first]);
  });
});

describe('a start after an older Stopbath', () => {
  it('takes its queue over, and sets aside what an unfinished run had reached', async () => {
    const data = await temporaryFolder();
    const { task, modelId, prompt, negativePrompt, width, height, steps, guidanceScale, guidanceEnd, seed } = request;
    const old = { task, modelId, prompt, negativePrompt, width, height, steps, guidanceScale, guidanceEnd, seed, scheduler: 'dpmpp_2m_karras' };
    const queue = { version: 1, queued: [{ jobId: 'waiting', request: old }], interrupted: [{ jobId: 'cut', request: old }] };
    await writeFileAtomic(join(data, 'queue.json'), JSON.stringify(queue));
    await writeFileAtomic(join(data, 'runs', 'cut.checkpoint'), serialize({ version: 1, request: old }));
    const app = await openTestApp({ data });
    expect(await app.job('cut')).toMatchObject({ state: 'stopped', keepable: false });
    const job = await app.ended('waiting');
    expect(job).toMatchObject({ state: 'finished', request: { scheduler: 'dpmpp_2m', sigmaSchedule: 'karras', image: null } });
    const { notices } = await app.handlers['app.info']({});
    expect(notices).toMatchObject([{ code: 'FILE_ACCESS', message: expect.stringContaining('cut.checkpoint.unreadable') }]);
    expect((await readdir(join(data, 'runs'))).sort()).toEqual(['cut.checkpoint.unreadable', 'waiting']);
  });

  it('says so when the queue cannot be read', async () => {
    const data = await temporaryFolder();
    await writeFileAtomic(join(data, 'queue.json'), '{"version":9}');
    const app = await openTestApp({ data });
    expect((await app.handlers['app.info']({})).notices).toMatchObject([{ message: expect.stringContaining('queue.json.broken') }]);
    expect(await readFile(join(data, 'queue.json.broken'), 'utf8')).toBe('{"version":9}');
  });

  it('deletes old inputs that neither a picture, a job nor the form names', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const [drawn, waiting, inForm, loose, fresh] = [
      await send(before, 1),
      await send(before, 2),
      await send(before, 3),
      await send(before, 4),
      await send(before, 5),
    ];
    await before.ended(only(await before.submit({ task: 'image-to-image', image: drawn })));
    await before.submit({ prompt: 'slow', steps: 200 });
    await before.submit({ task: 'image-to-image', image: waiting });
    await before.handlers['settings.set']({ form: { picture: { id: inForm.id } } });
    await before.close();
    const old = Date.now() / 1000 - 8 * 24 * 60 * 60;
    for (const { id } of [drawn, waiting, inForm, loose]) await utimes(join(data, 'inputs', `${id}.png`), old, old);

    await openTestApp({ data });
    const left = [drawn, waiting, inForm, fresh].map(({ id }) => `${id}.png`).sort();
    await until(async () => ((await readdir(join(data, 'inputs'))).length === left.length ? true : null));
    expect((await readdir(join(data, 'inputs'))).sort()).toEqual(left);
  });
});

describe('counting tokens', () => {
  const question = { modelId: 'starter', syntax: 'a1111' } as const;

  it('goes on beside a run, and holds up neither', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'slow', steps: 10 }));
    await until(async () => ((await app.job(jobId)).steps.length >= 1 ? true : null));
    const { counts } = await app.handlers['prompts.count']({ ...question, texts: ['four', ''] });
    expect(counts.map(({ chunks }) => chunks)).toEqual([[4], [0]]);
    expect((await app.job(jobId)).state).toBe('running');
    expect((await app.ended(jobId)).state).toBe('finished');
  });

  it('fails with the reason, or when no answer comes, and the next one is answered', async () => {
    const app = await openTestApp({ engine: { countPatienceMs: 200 } });
    await until(async () => ((await app.handlers['engine.status']({})).state === 'ready' ? true : null));
    await expect(app.handlers['prompts.count']({ ...question, texts: ['uncountable'] })).rejects.toMatchObject({ code: 'MODEL_TOKENIZER' });
    await expect(app.handlers['prompts.count']({ ...question, modelId: 'none', texts: [] })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(app.handlers['prompts.count']({ ...question, texts: ['silent'] })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect((await app.handlers['prompts.count']({ ...question, texts: ['a'] })).counts).toHaveLength(1);
  });
});
