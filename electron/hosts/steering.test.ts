import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { StopbathError } from '../../shared/errors.ts';
import { jobSnapshotSchema, type JobSnapshot, type Picture } from '../../shared/job.ts';
import { pngChunks } from '../media/pngChunks.ts';
import { readPngTexts } from '../media/png.ts';
import { closeAll, only, openTestApp, temporaryFolder, until, type TestApp } from './testing/testApp.ts';

afterEach(closeAll);

async function bytesOf(app: TestApp, url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await app.fetchUi(new Request(new URL(url, 'http://127.0.0.1')))).arrayBuffer());
}

/** The fake engine's `exact` pictures have one shade, worked out of all that happened to the run. */
async function shade(app: TestApp, { pictures }: Pick<JobSnapshot, 'pictures'>): Promise<number | undefined> {
  const data = [...pngChunks(await bytesOf(app, only(pictures).url))].find(({ type }) => type === 'IDAT')?.data;
  return data === undefined ? undefined : inflateSync(data)[1];
}

const steps = (app: TestApp, jobId: string, count: number): Promise<JobSnapshot> =>
  until(async () => {
    const job = await app.job(jobId);
    return job.steps.length >= count ? job : null;
  });
const state = (app: TestApp, jobId: string, wanted: JobSnapshot['state']): Promise<JobSnapshot> =>
  until(async () => {
    const job = await app.job(jobId);
    return job.state === wanted ? job : null;
  });
const frames = async (app: TestApp, jobId: string): Promise<number[]> =>
  (await app.handlers['jobs.frames']({ jobId })).frames.map(({ stepIndex }) => stepIndex);
/** Some handlers answer at once: what they throw is a rejection on the wire. */
async function asked(call: () => unknown): Promise<unknown> {
  return await call();
}

const exact = { prompt: 'exact slow', steps: 8 };

/** The picture of the same request, undisturbed. */
async function reference(app: TestApp, change: Parameters<TestApp['submit']>[0] = exact): Promise<number | undefined> {
  return await shade(app, await app.ended(only(await app.submit(change))));
}

describe('pausing', () => {
  it('waits after the step, goes on for one, and then to the end; the picture is the same', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit(exact));
    await steps(app, jobId, 2);
    await app.handlers['jobs.pause']({ jobId });
    const paused = await state(app, jobId, 'paused');
    await app.handlers['jobs.resume']({ jobId, steps: 1 });
    await steps(app, jobId, paused.steps.length + 1);
    const again = await state(app, jobId, 'paused');
    expect(again.steps).toHaveLength(paused.steps.length + 1);
    expect(app.jobEvents(jobId).filter(({ kind }) => kind === 'paused')).toMatchObject([{ reason: 'asked' }, { reason: 'single-step' }]);
    await app.handlers['jobs.resume']({ jobId, steps: 'all' });
    expect(await shade(app, await app.ended(jobId))).toBe(await reference(app));
  });

  it('stops at breakpoints, given while the job still waits, and none of them is in the picture', async () => {
    const app = await openTestApp();
    const [, second = ''] = await app.submit({ prompt: 'slow', steps: 4 }, 2);
    await app.handlers['jobs.breakpoints']({ jobId: second, breakpoints: [{ kind: 'step', stepIndex: 2 }] });
    await expect(asked(() => app.handlers['jobs.pause']({ jobId: second }))).rejects.toBeInstanceOf(StopbathError);
    expect((await state(app, second, 'paused')).steps).toHaveLength(3);
    await app.handlers['jobs.breakpoints']({ jobId: second, breakpoints: [] });
    await app.handlers['jobs.resume']({ jobId: second, steps: 'all' });
    expect(only((await app.ended(second)).pictures).request.steering).toEqual([]);
  });

  it('keeps its breakpoints in the job, over its end and a new start of the app', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const [first = '', waiting = ''] = await before.submit({ prompt: 'slow', steps: 40 }, 2);
    const points = [{ kind: 'step', stepIndex: 30 }, { kind: 'settled', threshold: 0.02 }] as const;
    await before.handlers['jobs.breakpoints']({ jobId: first, breakpoints: [...points] });
    await before.handlers['jobs.breakpoints']({ jobId: waiting, breakpoints: [{ kind: 'cutoff' }] });
    expect(before.jobEvents(first)).toContainEqual({ kind: 'breakpoints', jobId: first, breakpoints: points });
    await steps(before, first, 2);
    await before.handlers['jobs.stop']({ jobId: first });
    await before.ended(first);
    // Also one that has ended takes them: it may go on.
    await before.handlers['jobs.breakpoints']({ jobId: first, breakpoints: [points[0]] });
    await before.close();

    const after = await openTestApp({ data });
    expect((await after.job(first)).breakpoints).toEqual([points[0]]);
    expect((await after.job(waiting)).breakpoints).toEqual([{ kind: 'cutoff' }]);
    await after.handlers['jobs.stop']({ jobId: waiting });
    await after.ended(waiting);
    await after.handlers['jobs.continue']({ jobId: first });
    expect((await state(after, first, 'paused')).steps).toHaveLength(31);
  });

  it('is left by a stop, and outlives the app as a stopped run', async () => {
    const data = await temporaryFolder();
    const app = await openTestApp({ data });
    const [stopped = '', left = ''] = await app.submit(exact, 2);
    await steps(app, stopped, 1);
    await app.handlers['jobs.pause']({ jobId: stopped });
    await state(app, stopped, 'paused');
    await app.handlers['jobs.stop']({ jobId: stopped });
    expect(await app.ended(stopped)).toMatchObject({ state: 'stopped', keepable: true });
    await steps(app, left, 2);
    await app.handlers['jobs.pause']({ jobId: left });
    await state(app, left, 'paused');
    await app.close();
    const after = await openTestApp({ data });
    expect((await after.handlers['jobs.list']({})).map((job) => [job.jobId, job.state])).toEqual([[stopped, 'stopped'], [left, 'stopped']]);
  });
});

describe('going on', () => {
  it.each([
    ['stopped', exact, async (app: TestApp, jobId: string) => void (await app.handlers['jobs.stop']({ jobId }))],
    ['killed', { ...exact, prompt: 'exact slow killed at 5' }, () => Promise.resolve()],
    ['deaf to a stop', { ...exact, prompt: 'exact slow deaf', steps: 40 }, async (app: TestApp, jobId: string) => {
      await app.handlers['jobs.stop']({ jobId });
      await app.handlers['jobs.stop']({ jobId });
    }],
  ])('a run that was %s goes on as itself, and gives the very picture', async (_, change, interrupt) => {
    const app = await openTestApp();
    const jobId = only(await app.submit(change));
    const waiting = only(await app.submit({}));
    await steps(app, jobId, 3);
    await interrupt(app, jobId);
    const cut = await app.ended(jobId);
    expect(['stopped', 'failed']).toContain(cut.state);
    await app.ended(waiting);
    await app.handlers['jobs.continue']({ jobId });
    await app.handlers['jobs.continue']({ jobId });
    const job = await app.ended(jobId);
    expect(job).toMatchObject({ state: 'finished', failure: null, keepable: false });
    expect(job.steps.map(({ stepIndex }) => stepIndex)).toEqual(Array.from({ length: change.steps }, (_, step) => step));
    // It went on; it did not begin again.
    const told = app.jobEvents(jobId).flatMap((event) => (event.kind === 'step' ? [event.step.stepIndex] : []));
    expect(told.length).toBeLessThanOrEqual(change.steps + 1);
    expect(job.previews.map(({ stepIndex }) => stepIndex)).toEqual(job.steps.map(({ stepIndex }) => stepIndex));
    expect(await shade(app, job)).toBe(await reference(app, { ...change, prompt: change.prompt.replace(/ killed.*| deaf/, '') }));
    await expect(asked(() => app.handlers['jobs.continue']({ jobId }))).rejects.toBeInstanceOf(StopbathError);
  });

  it('after a new start of the app, with its steering and its strip', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const jobId = only(await before.submit({ ...exact, steps: 20 }));
    await steps(before, jobId, 2);
    await before.handlers['jobs.steer']({ jobId, steering: { guidanceScale: 9, paceMs: 0 } });
    await until(async () => ((await before.job(jobId)).log.length > 0 ? true : null));
    await steps(before, jobId, 6);
    await before.close();

    const after = await openTestApp({ data });
    const left = await after.job(jobId);
    expect(jobSnapshotSchema.parse(left)).toEqual(left);
    expect(left).toMatchObject({ state: 'stopped', keepable: true, guidanceScale: 9, log: [{ steering: { guidanceScale: 9 } }] });
    expect(left.steps.length).toBeGreaterThanOrEqual(6);
    expect(await frames(after, jobId)).toEqual(left.steps.map(({ stepIndex }) => stepIndex));
    for (const { url } of left.previews) expect((await bytesOf(after, url)).subarray(1, 4)).toEqual(new Uint8Array([80, 78, 71]));
    expect(left.previews.length).toBeGreaterThanOrEqual(5);
    await after.handlers['jobs.continue']({ jobId });
    const job = await after.ended(jobId);
    // The picture says how it came about: sent again, that gives it again.
    const { request } = only(job.pictures);
    expect(request.steering).toEqual(left.log);
    expect(await shade(after, job)).toBe(await reference(after, request));
    expect(await shade(after, job)).not.toBe(await reference(after, { ...request, steering: [] }));
  });

  it('from the step before a torn one, with what was steered after it done again at its step', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const jobId = only(await before.submit({ ...exact, steps: 30 }));
    await steps(before, jobId, 4);
    await before.handlers['jobs.steer']({ jobId, steering: { prompt: 'a dog' } });
    const { log } = await until(async () => ((await before.job(jobId)).log.length > 0 ? await before.job(jobId) : null));
    await before.close();
    const folder = join(data, 'runs', jobId);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.checkpoint')).sort();
    for (const name of names.slice(3)) await rm(join(folder, name));
    await truncate(join(folder, names[2] ?? ''), 900);

    const after = await openTestApp({ data });
    expect(await frames(after, jobId)).toEqual([0, 1]);
    await after.handlers['jobs.continue']({ jobId });
    const job = await after.ended(jobId);
    expect(after.jobEvents(jobId).flatMap((event) => (event.kind === 'step' ? [event.step.stepIndex] : []))[0]).toBe(2);
    const { request } = only(job.pictures);
    expect(request.steering).toEqual(log);
    expect(await shade(after, job)).toBe(await reference(after, request));
  });

  it('from the beginning when it had made no step; and waits in the queue over a new start', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const [, running = '', never = ''] = await before.submit(exact, 3);
    // It stays where it is until the app ends.
    await before.handlers['jobs.breakpoints']({ jobId: running, breakpoints: [{ kind: 'step', stepIndex: 0 }] });
    await before.handlers['jobs.stop']({ jobId: never });
    await steps(before, running, 1);
    await before.handlers['jobs.continue']({ jobId: never });
    expect(await before.job(never)).toMatchObject({ state: 'queued', steps: [] });
    await before.close();
    const after = await openTestApp({ data });
    const job = await after.ended(never);
    expect(job.state).toBe('finished');
    expect(await shade(after, job)).toBe(await reference(after, { ...exact, seed: job.request.seed }));
  });

  it('decodes again on the CPU where only that had failed', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'undecodable', steps: 3 }));
    const failed = await app.ended(jobId);
    expect(failed).toMatchObject({ state: 'failed', keepable: true, failure: { code: 'OUT_OF_MEMORY' } });
    await app.handlers['jobs.continue']({ jobId });
    const job = await app.ended(jobId);
    expect(job).toMatchObject({ state: 'finished', pictures: [{ completeness: 'complete', stepsDone: 3 }] });
    expect(app.jobEvents(jobId).filter(({ kind }) => kind === 'step')).toHaveLength(3);
  });

  it('decodes again on the CPU also after a new start of the app, and when the estimate is kept instead', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const [first = '', second = ''] = await before.submit({ prompt: 'undecodable', steps: 3 }, 2);
    for (const jobId of [first, second]) expect((await before.ended(jobId)).state).toBe('failed');
    expect((await before.handlers['jobs.keep']({ jobId: second })).pictures).toHaveLength(1);
    await before.close();
    const after = await openTestApp({ data });
    expect(await after.job(first)).toMatchObject({ state: 'failed', keepable: true, failure: { code: 'OUT_OF_MEMORY' } });
    await after.handlers['jobs.continue']({ jobId: first });
    expect(await after.ended(first)).toMatchObject({ state: 'finished', failure: null, pictures: [{ stepsDone: 3 }] });
  });

  it('may follow a keep: what was kept stays, and the run ends in a picture of its own', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit(exact));
    await steps(app, jobId, 2);
    await app.handlers['jobs.stop']({ jobId });
    await app.ended(jobId);
    const { pictures } = await app.handlers['jobs.keep']({ jobId });
    await app.handlers['jobs.continue']({ jobId });
    expect(await state(app, jobId, 'finished')).toMatchObject({ pictures: [{ completeness: 'complete' }] });
    const { total } = await app.handlers['library.list']({ before: null, limit: 10 });
    expect([total, only(pictures).completeness]).toEqual([2, 'partial']);
  });

  it('draws what comes in its own canvas, not beside what was kept', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit(exact));
    await steps(app, jobId, 2);
    await app.handlers['jobs.stop']({ jobId });
    await app.ended(jobId);
    await app.handlers['jobs.keep']({ jobId });
    await app.handlers['jobs.continue']({ jobId });
    expect((await app.job(jobId)).pictures).toEqual([]);
    expect(only((await state(app, jobId, 'finished')).pictures).completeness).toBe('complete');
  });

  it('is not asked of a run whose picture was saved before the app was killed: it has finished', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const [whole = '', cut = ''] = await before.submit({ ...exact, imagesPerPrompt: 2 }, 2);
    for (const jobId of [whole, cut]) await before.ended(jobId);
    const [, second] = (await before.job(cut)).pictures;
    await before.handlers['library.remove']({ id: second?.id ?? '' });
    await before.close();
    // As run.json stood in the moment before.
    for (const jobId of [whole, cut]) {
      const file = join(data, 'runs', jobId, 'run.json');
      const record = JSON.parse(await readFile(file, 'utf8')) as { job: object };
      await writeFile(file, JSON.stringify({ ...record, job: { ...record.job, state: 'decoding', pictures: [], trace: null } }));
    }
    const after = await openTestApp({ data });
    const finished = await after.job(whole);
    expect(jobSnapshotSchema.parse(finished)).toEqual(finished);
    expect(finished).toMatchObject({ state: 'finished', keepable: false, pictures: [{ batchIndex: 0 }, { batchIndex: 1 }] });
    // One picture of two is not all of it.
    expect(await after.job(cut)).toMatchObject({ state: 'stopped', keepable: true, pictures: [] });
    await after.close();
    const again = await openTestApp({ data });
    expect((await again.job(whole)).state).toBe('finished');
  });
});

describe('what a run tells beside its steps', () => {
  it('is a live steering that it refused, with what was asked and why', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit(exact));
    await steps(app, jobId, 1);
    await app.handlers['jobs.steer']({ jobId, steering: { prompt: 'nonsense' } });
    const job = await app.ended(jobId);
    expect(app.jobEvents(jobId)).toContainEqual({
      kind: 'steer-refused',
      jobId,
      steering: { prompt: 'nonsense' },
      failure: { code: 'INVALID_INPUT', message: 'Nobody can draw that.' },
    });
    expect(job).toMatchObject({ state: 'finished', log: [] });
    expect(only(job.pictures).request.steering).toEqual([]);
  });

  it('is what its callbacks wrote', async () => {
    const app = await openTestApp();
    const callbacks = [{ name: 'writer', source: 'log 1' }];
    const job = await app.ended(only(await app.submit({ steps: 3, callbacks })));
    expect(job.callbackLog).toEqual(['first', 'second'].map((text) => ({ name: 'writer', stepIndex: 1, text })));
  });
});

describe('a fork', () => {
  it('with nothing changed is the same run again, from any step', async () => {
    const app = await openTestApp();
    const steering = [{ afterStep: 1, steering: { guidanceScale: 2 } }, { afterStep: 6, steering: { prompt: 'a dog' } }];
    const parent = await app.ended(only(await app.submit({ prompt: 'exact', steps: 8, steering })));
    for (const stepIndex of [0, 1, 5, 6, 7]) {
      const { jobId } = await app.handlers['jobs.fork']({ jobId: parent.jobId, stepIndex, steering: { paceMs: 1 } });
      const fork = await app.ended(jobId);
      expect(fork).toMatchObject({ state: 'finished', parent: { jobId: parent.jobId, stepIndex }, request: { steering } });
      expect(fork.steps).toHaveLength(8);
      expect(await shade(app, fork)).toBe(await shade(app, parent));
    }
  });

  it('keeps what was done by its step, adds its own, and leaves the rest; its request alone gives it again', async () => {
    const app = await openTestApp();
    const steering = [1, 4, 6].map((afterStep) => ({ afterStep, steering: { guidanceScale: afterStep } }));
    const parent = only(await app.submit({ ...exact, steering }));
    await app.ended(parent);
    const { jobId } = await app.handlers['jobs.fork']({ jobId: parent, stepIndex: 4, steering: { prompt: 'a dog' } });
    const fork = await app.ended(jobId);
    const wanted = [...steering.slice(0, 2), { afterStep: 4, steering: { prompt: 'a dog' } }];
    expect(fork.log).toEqual(wanted);
    const { request } = only(fork.pictures);
    expect(request.steering).toEqual(wanted);
    expect(await shade(app, fork)).toBe(await reference(app, request));
    const texts = readPngTexts(await bytesOf(app, only(fork.pictures).url));
    expect(texts[0]?.text).toContain('a dog');
    // And a fork of the fork.
    const again = await app.handlers['jobs.fork']({ jobId, stepIndex: 6, steering: { noiseSeed: '5' } });
    const second: Picture = only((await app.ended(again.jobId)).pictures);
    expect(second.request.steering).toEqual([...wanted, { afterStep: 6, steering: { noiseSeed: '5' } }]);
    expect(await shade(app, { pictures: [second] })).toBe(await reference(app, second.request));
  });

  it('goes before the waiting jobs, has its parent\'s strip, and needs its parent no more', async () => {
    const app = await openTestApp();
    const parent = await app.ended(only(await app.submit({ prompt: 'exact', steps: 8 })));
    const [running = '', waiting = ''] = await app.submit(exact, 2);
    await state(app, running, 'running');
    const { jobId } = await app.handlers['jobs.fork']({ jobId: parent.jobId, stepIndex: 3, steering: {} });
    expect(app.jobEvents(jobId)).toMatchObject([{ kind: 'queued', position: 1, job: { parent: { stepIndex: 3 } } }]);
    expect(await app.job(jobId)).toMatchObject({ state: 'queued', numTimesteps: 8 });
    await app.handlers['jobs.remove']({ jobId: parent.jobId });
    const fork = await app.ended(jobId);
    expect((await app.job(waiting)).state).not.toBe('finished');
    expect(fork.previews.map(({ stepIndex }) => stepIndex)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { url } of fork.previews) expect((await bytesOf(app, url)).length).toBeGreaterThan(50);
    expect(await frames(app, jobId)).toEqual([3, 4, 5, 6, 7]);
    expect(fork.state).toBe('finished');
  });

  it('waits over a new start of the app', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const parent = await before.ended(only(await before.submit({ prompt: 'exact', steps: 8 })));
    const wanted = await shade(before, parent);
    await before.submit({ prompt: 'slow', steps: 100 });
    const { jobId } = await before.handlers['jobs.fork']({ jobId: parent.jobId, stepIndex: 2, steering: {} });
    await before.close();
    const after = await openTestApp({ data });
    const fork = await after.ended(jobId);
    expect(fork.parent).toEqual({ jobId: parent.jobId, stepIndex: 2 });
    expect(await shade(after, fork)).toBe(wanted);
  });

  it('of a step that is not kept is refused', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ steps: 3 }));
    await app.ended(jobId);
    await expect(app.handlers['jobs.fork']({ jobId, stepIndex: 3, steering: {} })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(asked(() => app.handlers['jobs.frames']({ jobId: 'none' }))).rejects.toBeInstanceOf(StopbathError);
  });
});

it('a run whose pictures were deleted is not listed again, nor kept on disk', async () => {
  const data = await temporaryFolder();
  const before = await openTestApp({ data });
  const [first = '', second = ''] = await before.submit({ prompt: 'exact', steps: 3 }, 2);
  const { pictures } = await before.ended(first);
  await before.ended(second);
  await before.handlers['library.remove']({ id: only(pictures).id });
  await before.close();
  const after = await openTestApp({ data });
  await until(async () => ((await readdir(join(data, 'runs'))).length === 1 ? true : null));
  expect((await after.handlers['jobs.list']({})).map((job) => [job.jobId, job.state, job.pictures.length])).toEqual([[second, 'finished', 1]]);
  expect(await frames(after, second)).toEqual([0, 1, 2]);
});

describe('the limit', () => {
  it('is told, and kept when it is lowered', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'exact', steps: 5 }));
    await app.ended(jobId);
    await until(async () => ((await frames(app, jobId)).length === 5 ? true : null));
    const told = async (): Promise<{ sum: number; bytesOfAllRuns: number; limitBytes: number }> => {
      const { frames: kept, ...rest } = await app.handlers['jobs.frames']({ jobId });
      return { sum: kept.reduce((sum, { bytes }) => sum + bytes, 0), ...rest };
    };
    expect((await told()).limitBytes).toBe(2048 * 2 ** 20);
    // Previews count as well.
    await until(async () => ((await told()).bytesOfAllRuns > (await told()).sum ? true : null));
    await app.handlers['settings.set']({ runsLimitMiB: 16 });
    expect((await app.handlers['jobs.frames']({ jobId })).limitBytes).toBe(16 * 2 ** 20);
  });
});
