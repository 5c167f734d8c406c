import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { jobEventSchema, jobSnapshotSchema } from '../../shared/job.ts';
import type { EngineExit, EngineProcess } from '../core/host.ts';
import { writeFileAtomic } from '../core/files.ts';
import { readPngTexts } from '../media/png.ts';
import { pngChunks } from '../media/pngChunks.ts';
import { closeAll, only, openTestApp, temporaryFolder, until, type TestApp } from './testing/testApp.ts';

afterEach(closeAll);

function fetchUi(app: TestApp, path: string): Promise<Response> {
  return app.fetchUi(new Request(new URL(path, 'http://127.0.0.1')));
}

async function firstPixel(app: TestApp, url: string): Promise<number | undefined> {
  const png = new Uint8Array(await (await fetchUi(app, url)).arrayBuffer());
  const pixels = [...pngChunks(png)].find(({ type }) => type === 'IDAT');
  // Byte 0 is the row's filter.
  return pixels === undefined ? undefined : inflateSync(pixels.data)[1];
}

describe('a job that goes well', () => {
  it('tells its whole life in order, and its picture carries it', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit());
    const job = await app.ended(jobId);
    expect(job).toMatchObject({ state: 'finished', numTimesteps: 6, keepable: false, failure: null });
    expect(job.steps.map(({ stepIndex }) => stepIndex)).toEqual([0, 1, 2, 3, 4, 5]);
    const events = app.jobEvents(jobId);
    expect(events.map(({ kind }) => kind)).toEqual([
      'queued',
      // Taken up, then the model.
      'loading',
      'loading',
      ...Array.from({ length: 6 }, () => ['step', 'preview']).flat(),
      'decoding',
      'finished',
    ]);
    for (const event of events) expect(jobEventSchema.parse(event)).toEqual(event);

    const picture = only(job.pictures);
    expect(picture).toMatchObject({ jobId, completeness: 'complete', width: 64, stepsDone: 6, unetEvaluationsTotal: 9 });
    const response = await fetchUi(app, picture.url);
    expect(response.headers.get('content-type')).toBe('image/png');
    const texts = readPngTexts(new Uint8Array(await response.arrayBuffer()));
    expect(texts.map(({ keyword }) => keyword)).toEqual(['parameters', 'stopbath']);
    expect(texts[0]?.text).toMatch(/^a red house\nSteps: 6, Sampler: DDIM, .*Seed: 7, .*Version: Stopbath \d/);
    expect(JSON.parse(texts[1]?.text ?? '')).toMatchObject({ version: 1, picture: { request: { seed: '7' } }, trace: { stepsDone: 6 } });
    const run = (step: number): string[] => [`00${step}.checkpoint`, `00${step}.linear.png`];
    const kept = [...[0, 1, 2, 3, 4, 5].flatMap(run), 'run.json'];
    // A file that is being written has another name.
    await until(async () => ((await readdir(join(app.data, 'runs', jobId))).sort().join() === kept.join() ? true : null));
  });

  it('serves every step as a small PNG', async () => {
    const app = await openTestApp();
    const job = await app.ended(only(await app.submit()));
    expect(job.previews).toHaveLength(6);
    for (const { url } of job.previews) expect((await fetchUi(app, url)).status).toBe(200);
    expect((await fetchUi(app, `/runs/${job.jobId}/99.png`)).status).toBe(404);
  });

  it('makes one job of each picture, seeds counting up past the last one', async () => {
    const app = await openTestApp();
    const jobIds = await app.submit({ seed: '18446744073709551614', steps: 1 }, 3);
    const jobs = await Promise.all(jobIds.map((jobId) => app.ended(jobId)));
    expect(jobs.map(({ request }) => request.seed)).toEqual(['18446744073709551614', '18446744073709551615', '0']);
    // One at a time: each begins after the one before has ended.
    const marks = app.log.flatMap(({ name, value }) => {
      const event = name === 'job' ? jobEventSchema.parse(value) : null;
      return (event?.kind === 'loading' && event.part === 'engine') || event?.kind === 'finished' ? [`${event.kind} ${jobIds.indexOf(event.jobId)}`] : [];
    });
    expect(marks).toEqual(['loading 0', 'finished 0', 'loading 1', 'finished 1', 'loading 2', 'finished 2']);
  });

  it('is refused for a size its model cannot draw, or a model that is not there', async () => {
    const app = await openTestApp();
    await expect(app.submit({ width: 1024 })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'width' });
    await expect(app.submit({ modelId: '../etc' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});

/** On a busy machine an engine may be slow to answer; it is not replaced for that. */
const patient = { engine: { stopPatienceMs: 600_000 } };

describe('stopping', () => {
  it('is acknowledged at once and ends the run after the step', async () => {
    const app = await openTestApp(patient);
    const jobId = only(await app.submit({ prompt: 'slow', steps: 100 }));
    await until(() => (app.jobEvents(jobId).some(({ kind }) => kind === 'step') ? true : null));
    await app.handlers['jobs.stop']({ jobId });
    expect(app.jobEvents(jobId).at(-1)).toEqual({ kind: 'stopping', jobId, hard: false });
    const job = await app.ended(jobId);
    expect(job).toMatchObject({ state: 'stopped', stopping: false, keepable: true });
    expect(job.trace?.status).toBe('stopped');
    expect(app.engines).toHaveLength(1);
    // Long after the end a late stop changes nothing.
    await app.handlers['jobs.stop']({ jobId });
    expect(app.jobEvents(jobId).at(-1)?.kind).toBe('stopped');
  });

  it('replaces an engine that does not answer; what was reached can be kept', async () => {
    // How long it waits is held in engineHost.test.ts, on a clock of its own.
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'hang at 3' }));
    await until(async () => ((await app.job(jobId)).steps.length === 3 ? true : null));
    await app.handlers['jobs.stop']({ jobId });
    expect(await app.job(jobId)).toMatchObject({ state: 'running', stopping: true });
    const job = await app.ended(jobId);
    expect(app.jobEvents(jobId).at(-1)).toMatchObject({ kind: 'stopped', hard: true, keepable: true, stepsDone: 3, numTimesteps: 6, trace: null });
    expect(job.trace).toBeNull();

    const picture = only((await app.handlers['jobs.keep']({ jobId })).pictures);
    expect(picture).toMatchObject({ completeness: 'partial', stepsDone: 3, numTimesteps: 6, unetEvaluationsTotal: 6 });
    // The fake engine paints with the number of the step whose estimate it was given.
    expect(await firstPixel(app, picture.url)).toBe(3);
    expect((await app.job(jobId)).pictures).toEqual([picture]);
    expect(app.engines).toHaveLength(2);
    await until(() => (isAlive(app.engines[0]?.pid) ? null : true));
    await expect(app.handlers['jobs.keep']({ jobId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('replaces the engine at once when asked twice', async () => {
    // The first stop alone would wait longer than this test may take.
    const app = await openTestApp({ engine: { stopPatienceMs: 600_000 } });
    const jobId = only(await app.submit({ prompt: 'slow deaf', steps: 500 }));
    await until(async () => ((await app.job(jobId)).steps.length >= 2 ? true : null));
    await app.handlers['jobs.stop']({ jobId });
    await app.handlers['jobs.stop']({ jobId });
    expect(await app.ended(jobId)).toMatchObject({ state: 'stopped', keepable: true });
    expect(app.jobEvents(jobId).at(-1)).toMatchObject({ kind: 'stopped', hard: true });
    await until(() => (isAlive(app.engines[0]?.pid) ? null : true));
    const next = await app.ended(only(await app.submit()));
    expect(next.state).toBe('finished');
  });

  it('ends a job that waits for its engine process to start', async () => {
    // It ends when it is killed, not before.
    const silent = (): EngineProcess => {
      const ended = Promise.withResolvers<EngineExit>();
      return {
        pid: undefined,
        send: () => undefined,
        onMessage: () => undefined,
        onStderr: () => undefined,
        onExit: (listener) => void ended.promise.then(listener),
        kill: () => ended.resolve({ code: null, signal: 'SIGKILL' }),
      };
    };
    const app = await openTestApp({ host: { startEngine: silent }, engine: { startPatienceMs: 60_000, backOffMs: () => 60_000 } });
    const jobId = only(await app.submit());
    // It is no longer in the queue, and says so: the interface offers Stop.
    expect(await app.job(jobId)).toMatchObject({ state: 'loading' });
    await app.handlers['jobs.stop']({ jobId });
    expect(await app.ended(jobId)).toMatchObject({ state: 'stopped', keepable: false });
  });

  it('takes a waiting job out without touching the running one', async () => {
    const app = await openTestApp();
    const [running = '', waiting = ''] = await app.submit({ prompt: 'slow', steps: 5 }, 2);
    await app.handlers['jobs.stop']({ jobId: waiting });
    expect(await app.job(waiting)).toMatchObject({ state: 'stopped', keepable: false });
    expect((await app.ended(running)).state).toBe('finished');
  });

  it('keeps once when asked twice at the same time', async () => {
    const app = await openTestApp(patient);
    const jobId = only(await app.submit({ prompt: 'slow', steps: 100 }));
    await until(async () => ((await app.job(jobId)).steps.length >= 1 ? true : null));
    await app.handlers['jobs.stop']({ jobId });
    await app.ended(jobId);
    const [first, second] = await Promise.all([app.handlers['jobs.keep']({ jobId }), app.handlers['jobs.keep']({ jobId })]);
    expect(first).toEqual(second);
    expect(app.jobEvents(jobId).filter(({ kind }) => kind === 'kept')).toHaveLength(1);
    expect((await app.handlers['library.list']({ before: null, limit: 10 })).total).toBe(1);
  });
});

describe('steering and clearing', () => {
  it('tells the engine, and the snapshot follows', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit({ prompt: 'slow', steps: 10 }));
    await until(async () => ((await app.job(jobId)).steps.length >= 1 ? true : null));
    await app.handlers['jobs.steer']({ jobId, steering: { guidanceScale: 1.5, guidanceEnd: { kind: 'guided-steps', steps: 3 } } });
    await app.ended(jobId);
    expect(await app.job(jobId)).toMatchObject({ guidanceScale: 1.5, guidanceEnd: { kind: 'guided-steps', steps: 3 } });
    // The run is over: a late turn of the knob is no error.
    await app.handlers['jobs.steer']({ jobId, steering: { guidanceScale: 2 } });
  });

  it('clears an ended job with everything in memory, but not its picture', async () => {
    const app = await openTestApp();
    const jobId = only(await app.submit());
    const { previews } = await app.ended(jobId);
    await app.handlers['jobs.remove']({ jobId });
    expect(await app.handlers['jobs.list']({})).toEqual([]);
    expect((await fetchUi(app, previews[0]?.url ?? '')).status).toBe(404);
    expect((await app.handlers['library.list']({ before: null, limit: 10 })).total).toBe(1);
    await expect(app.handlers['jobs.remove']({ jobId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a picture that is deleted', () => {
  it('takes its job from the list, and brings it back when it is restored', async () => {
    const app = await openTestApp();
    const { jobId, pictures } = await app.ended(only(await app.submit()));
    const { id } = only(pictures);
    await app.handlers['library.remove']({ id });
    expect(await app.handlers['jobs.list']({})).toEqual([]);
    await app.handlers['library.restore']({ id });
    expect(await app.handlers['jobs.list']({})).toMatchObject([{ jobId, pictures: [{ id }] }]);
  });
});

describe('an engine that dies', () => {
  it.each([
    ['crash at 3', 'ENGINE_CRASH', 'something native broke'],
    ['oom at 3', 'OUT_OF_MEMORY', 'Failed to allocate memory'],
    // On Linux the kernel says that it was not for want of memory.
    ['killed at 3', process.platform === 'linux' ? 'ENGINE_CRASH' : 'OUT_OF_MEMORY', 'SIGKILL'],
  ])('%s: fails its job with %s, and the queue goes on', async (prompt, code, detail) => {
    const app = await openTestApp();
    const first = only(await app.submit({ prompt }));
    const rest = await app.submit({}, 2);
    const job = await app.ended(first);
    expect(job).toMatchObject({ state: 'failed', keepable: true, failure: { code } });
    expect(job.failure?.detail).toContain(detail);
    expect(job.failure?.nextStep).toBeDefined();
    for (const jobId of rest) expect((await app.ended(jobId)).state).toBe('finished');
    expect(app.jobEvents(first).filter(({ kind }) => kind === 'failed')).toHaveLength(1);
    // And what the dead one had reached is not lost.
    expect((await app.handlers['jobs.keep']({ jobId: first })).pictures).toMatchObject([{ completeness: 'partial', stepsDone: 3 }]);
  });

  it('keeps its last 50 lines, whatever it wrote before', async () => {
    const app = await openTestApp();
    const job = await app.ended(only(await app.submit({ prompt: 'crash at 0' })));
    expect((job.failure?.detail ?? '').split('\n').length).toBeLessThanOrEqual(51);
    expect(job.keepable).toBe(false);
  });

  it('fails a job of its own accord with the code it gives', async () => {
    const app = await openTestApp();
    const job = await app.ended(only(await app.submit({ prompt: 'fail at 2' })));
    expect(job).toMatchObject({ state: 'failed', failure: { code: 'MODEL_NAN' }, keepable: true });
    expect(app.engines).toHaveLength(1);
  });

  it('is not harmed by messages that are none', async () => {
    const app = await openTestApp();
    expect((await app.ended(only(await app.submit({ prompt: 'garbage at 2' })))).steps).toHaveLength(6);
  });

  it('cannot start: the job fails with ENGINE_START and its stderr', async () => {
    process.env['FAKE_ENGINE'] = 'dead';
    try {
      const app = await openTestApp();
      const job = await app.ended(only(await app.submit()));
      expect(job.failure).toMatchObject({ code: 'ENGINE_START' });
      expect(job.failure?.detail).toContain('onnxruntime_binding');
      expect((await app.handlers['engine.status']({})).failure?.code).toBe('ENGINE_START');
      delete process.env['FAKE_ENGINE'];
      expect((await app.ended(only(await app.submit()))).state).toBe('finished');
    } finally {
      delete process.env['FAKE_ENGINE'];
    }
  });

  it('counts its generations up', async () => {
    const app = await openTestApp();
    const before = (await app.handlers['engine.status']({})).generation;
    await app.ended(only(await app.submit({ prompt: 'crash at 1' })));
    await app.ended(only(await app.submit()));
    expect((await app.handlers['engine.status']({})).generation).toBe(before + 1);
    expect(await app.handlers['engine.status']({})).toMatchObject({ state: 'ready', provider: 'cpu', failure: null });
  });
});

describe('a new start of the app', () => {
  it('goes on with the queue; the run that was cut off is stopped and can be kept', async () => {
    const data = await temporaryFolder();
    const before = await openTestApp({ data });
    const [running = '', ...waiting] = await before.submit({ prompt: 'slow', steps: 100 }, 3);
    await until(async () => ((await before.job(running)).steps.length >= 2 ? true : null));
    await before.handlers['jobs.stop']({ jobId: waiting[1] ?? '' });
    await before.close();

    const after = await openTestApp({ data });
    const jobs = await after.handlers['jobs.list']({});
    for (const job of jobs) expect(jobSnapshotSchema.parse(job)).toEqual(job);
    expect(jobs.map(({ jobId }) => jobId)).toEqual([running, waiting[0]]);
    expect(jobs[0]).toMatchObject({ state: 'stopped', keepable: true });
    expect(jobs[1]?.state).not.toBe('stopped');
    await after.handlers['jobs.stop']({ jobId: waiting[0] ?? '' });
    expect((await after.handlers['jobs.keep']({ jobId: running })).pictures).toMatchObject([{ completeness: 'partial', numTimesteps: 100 }]);
  });

  it('starts with a damaged queue file as with none', async () => {
    const data = await temporaryFolder();
    await writeFileAtomic(join(data, 'queue.json'), '{"version":1,"queued":[{"jobId":"../../x"}]}');
    const app = await openTestApp({ data });
    expect(await app.handlers['jobs.list']({})).toEqual([]);
    expect(await readFile(join(data, 'queue.json.broken'), 'utf8')).toContain('../../x');
  });
});

describe('a full disk', () => {
  it('fails with DISK_FULL, keeps the picture, and saves it when there is room', async () => {
    let full = true;
    const app = await openTestApp({
      write: async (path, bytes) => {
        if (full && path.endsWith('.png')) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
        await writeFileAtomic(path, bytes);
      },
    });
    const jobId = only(await app.submit());
    const job = await app.ended(jobId);
    expect(job).toMatchObject({ state: 'failed', keepable: true, failure: { code: 'DISK_FULL' } });
    await expect(app.handlers['jobs.keep']({ jobId })).rejects.toMatchObject({ code: 'DISK_FULL' });
    full = false;
    // The finished picture itself, not a new decode of the last estimate.
    expect((await app.handlers['jobs.keep']({ jobId })).pictures).toMatchObject([{ completeness: 'complete', stepsDone: 6 }]);
    expect(await app.job(jobId)).toMatchObject({ keepable: false, pictures: [{ jobId }] });
    expect(await readdir(join(app.data, 'pictures'))).toHaveLength(1);
  });
});

function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? 0, 0);
    return true;
  } catch {
    return false;
  }
}
