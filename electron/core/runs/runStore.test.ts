import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../../shared/errors.ts';
import { emptySnapshot, type JobSnapshot } from '../../../shared/job.ts';
import { encodeCheckpoint } from './checkpointFile.ts';
import { runDisk, type RunDisk } from './runFolder.ts';
import { createRuns, type Runs } from './runStore.ts';
import { checkpointAfter, runRequest, stepRecord } from './testing/checkpoints.ts';

let folder = '';
let told: Failure[] = [];
beforeEach(async () => {
  told = [];
  folder = await mkdtemp(join(tmpdir(), 'stopbath-runs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(options: { limitBytes?: number; disk?: RunDisk; folder?: string } = {}): Runs {
  return createRuns({
    folder: options.folder ?? folder,
    limitBytes: () => options.limitBytes ?? Infinity,
    onNotice: (failure) => told.push(failure),
    ...(options.disk === undefined ? {} : { disk: options.disk }),
  });
}

function describeRun(runs: Runs, jobId: string, job: Partial<JobSnapshot> = {}, at = 1): void {
  const snapshot = { ...emptySnapshot(jobId, runRequest, 120), state: 'running', ...job } as const;
  runs.describe(jobId, () => ({ at, job: snapshot }), true);
}

/** A run of so many steps, ended. */
async function made(runs: Runs, jobId: string, steps: number, end: 'stopped' | 'finished', at = 1): Promise<void> {
  runs.begin(jobId);
  for (let step = 1; step <= steps; step++) {
    runs.setCheckpoint(jobId, checkpointAfter(step));
    await runs.rest(jobId);
  }
  describeRun(runs, jobId, { state: end, steps: Array.from({ length: steps }, (_, step) => stepRecord(step)) }, at);
  await runs.settle(jobId, { isUnfinished: end !== 'finished' });
}

const steps = (runs: Runs, jobId: string): number[] => runs.frames(jobId).map(({ stepIndex }) => stepIndex);
const files = (jobId: string): Promise<string[]> => readdir(join(folder, jobId));

describe('what survives', () => {
  it('every step of a run, in a file each, and gives each back exactly after the app has died', async () => {
    await made(open(), 'job', 5, 'stopped');
    expect(await files('job')).toEqual(['000.checkpoint', '001.checkpoint', '002.checkpoint', '003.checkpoint', '004.checkpoint', 'run.json']);
    const after = open();
    expect((await after.open()).map(({ job }) => [job.jobId, job.steps.length, job.state])).toEqual([['job', 5, 'stopped']]);
    expect(steps(after, 'job')).toEqual([0, 1, 2, 3, 4]);
    for (let step = 0; step < 5; step++) expect(await after.checkpoint('job', step)).toStrictEqual(checkpointAfter(step + 1));
    expect(await after.checkpoint('job')).toStrictEqual(checkpointAfter(5));
    expect(await after.checkpoint('job', 5)).toBeNull();
    expect(after.bytes()).toBe(runsBytes(after, 'job'));
    expect(after.bytes()).toBeGreaterThan(5 * 4 * 1024);
  });

  it('steps that came after run.json was written, and what was steered', async () => {
    const runs = open();
    runs.begin('job');
    describeRun(runs, 'job', { log: [{ afterStep: 0, steering: { guidanceScale: 2, prompt: 'ein Hund' } }, { afterStep: 9, steering: { guidanceScale: 1 } }] });
    for (let step = 1; step <= 3; step++) runs.setCheckpoint('job', checkpointAfter(step));
    await runs.settle('job', { isUnfinished: true });
    const [left] = await open().open();
    expect(left?.job.steps.map(({ stepIndex }) => stepIndex)).toEqual([0, 1, 2]);
    expect(left?.job.numTimesteps).toBe(20);
    expect(left?.job.log).toEqual([...checkpointAfter(3).log, { afterStep: 9, steering: { guidanceScale: 1 } }]);
  });

  it('a run whose run.json is damaged: its checkpoint tells enough', async () => {
    await made(open(), 'job', 2, 'stopped');
    await writeFile(join(folder, 'job', 'run.json'), '{"version":1,"job":');
    expect(await open().open()).toMatchObject([{ job: { jobId: 'job', state: 'stopped', request: { prompt: '猫' }, steps: [{}, {}] } }]);
  });

  it('the previews of its steps, also one that run.json did not know', async () => {
    const runs = open();
    runs.begin('job');
    const png = (text: string) => () => Promise.resolve(Buffer.from(text));
    runs.addPreview('job', 0, 'linear', png('zero'));
    runs.addPreview('job', 1, 'linear', png('one'));
    runs.addPreview('job', 1, 'decoder', png('better'));
    const preview = { stepIndex: 0, width: 4, height: 4, source: 'linear', region: null, url: '/runs/job/0.png?source=linear' } as const;
    describeRun(runs, 'job', { state: 'finished', previews: [preview, { ...preview, stepIndex: 7, url: '/gone' }] });
    await runs.settle('job', { isUnfinished: false });
    const after = open();
    expect((await after.open())[0]?.job.previews).toEqual([preview, { ...preview, stepIndex: 1, url: '/runs/job/1.png?source=linear' }]);
    expect(String(await after.previewPng('job', 1, 'decoder'))).toBe('better');
    expect(await after.previewPng('job', 2, 'linear')).toBeNull();
    expect(await after.previewPng('../job', 1, 'linear')).toBeNull();
  });
});

function runsBytes(runs: Runs, jobId: string): number {
  return runs.frames(jobId).reduce((sum, { bytes }) => sum + bytes, 0);
}

describe('what is damaged', () => {
  it('a torn newest file costs one step: the one before is taken', async () => {
    await made(open(), 'job', 3, 'stopped');
    await truncate(join(folder, 'job', '002.checkpoint'), 5000);
    const zeros = encodeCheckpoint(checkpointAfter(2));
    await writeFile(join(folder, 'job', '001.checkpoint'), zeros.fill(0, 3000));
    await writeFile(join(folder, 'job', '003.checkpoint.tmp'), 'half');
    const after = open();
    await after.open();
    expect((await after.checkpoint('job'))?.stepsDone).toBe(1);
    expect(steps(after, 'job')).toEqual([0]);
    expect(await files('job')).toEqual(['000.checkpoint', 'run.json']);
    expect(told).toEqual([]);
  });

  it('a step under another step\'s name is not taken for it', async () => {
    await made(open(), 'job', 1, 'stopped');
    await writeFile(join(folder, 'job', '006.checkpoint'), encodeCheckpoint(checkpointAfter(3)));
    const after = open();
    await after.open();
    expect((await after.checkpoint('job'))?.stepsDone).toBe(1);
  });

  it('a file of another version is set aside, said once, and never deleted', async () => {
    await made(open(), 'job', 1, 'stopped');
    const other = { ...checkpointAfter(2), version: 4 } as unknown as ReturnType<typeof checkpointAfter>;
    await writeFile(join(folder, 'job', '001.checkpoint'), encodeCheckpoint(other));
    await writeFile(join(folder, 'old.checkpoint'), serialize({ version: 2 }));
    const after = open();
    await after.open();
    expect((await after.checkpoint('job'))?.stepsDone).toBe(1);
    expect(told.map(({ message }) => /set aside as (.*)\.$/.exec(message)?.[1])).toEqual([
      join(folder, 'old.checkpoint.unreadable'),
      join(folder, 'job', '001.checkpoint.unreadable'),
    ]);
    await open().open();
    expect(told).toHaveLength(2);
    expect(await readFile(join(folder, 'old.checkpoint.unreadable'))).toEqual(serialize({ version: 2 }));
  });

  it('clears away at the start what belongs to no run', async () => {
    await mkdir(join(folder, 'empty'));
    await writeFile(join(folder, 'c.checkpoint.tmp'), 'half');
    expect(await open().open()).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});

it('takes the newer of two checkpoints of a step that was steered while its run waited', async () => {
  const runs = open();
  runs.begin('job');
  const steered = checkpointAfter(3, { log: [{ afterStep: 2, steering: { guidanceScale: 9 } }] });
  for (const checkpoint of [checkpointAfter(1), checkpointAfter(2), checkpointAfter(3), steered]) runs.setCheckpoint('job', checkpoint);
  await runs.settle('job', { isUnfinished: true });
  const after = open();
  await after.open();
  expect(await after.checkpoint('job', 2)).toStrictEqual(steered);
});

describe('limits', () => {
  it('takes the steps of the oldest run first, and leaves what a stopped run needs to go on', async () => {
    const size = encodeCheckpoint(checkpointAfter(3)).length;
    await made(open(), 'a', 3, 'stopped', 1);
    await made(open(), 'b', 3, 'finished', 2);
    await made(open(), 'c', 3, 'stopped', 3);
    const runs = open({ limitBytes: 4.5 * size });
    expect((await runs.open()).map(({ job }) => job.jobId)).toEqual(['a', 'b', 'c']);
    expect([steps(runs, 'a'), steps(runs, 'b'), steps(runs, 'c')]).toEqual([[2], [], [0, 1, 2]]);
    expect(await files('a')).toEqual(['002.checkpoint', 'run.json']);
    expect(runs.bytes()).toBeLessThanOrEqual(4.5 * size);
  });

  it('holds the limit while a run goes on, but for its newest step', async () => {
    const runs = open({ limitBytes: 1 });
    runs.begin('job');
    for (let step = 1; step <= 6; step++) runs.setCheckpoint('job', checkpointAfter(step));
    await runs.rest('job');
    expect(steps(runs, 'job')).toEqual([5]);
    expect((await runs.checkpoint('job'))?.stepsDone).toBe(6);
    expect(await files('job')).toEqual(['005.checkpoint']);
  });

  it('lists the newest 50 and clears the others away', async () => {
    for (let at = 0; at < 53; at++) await made(open(), `run-${at}`, 1, 'finished', at);
    const left = await open().open();
    expect(left.map(({ at }) => at)).toEqual(Array.from({ length: 50 }, (_, index) => index + 3));
    expect(await readdir(folder)).toHaveLength(50);
  });
});

describe('a disk that is', () => {
  it('slow: loses older steps, never the newest, and nobody waits', async () => {
    const written: string[] = [];
    const slow: RunDisk = {
      ...runDisk,
      write: async (path, bytes, flush) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        await runDisk.write(path, bytes, flush);
        written.push(path);
      },
    };
    const runs = open({ disk: slow });
    runs.begin('job');
    for (let step = 1; step <= 100; step++) runs.setCheckpoint('job', checkpointAfter(step));
    expect(written).toEqual([]);
    // On their way to the disk they can be gone back to: under way, waiting, and the newest.
    for (const step of [0, 95, 99]) expect((await runs.checkpoint('job', step))?.stepsDone).toBe(step + 1);
    expect(await runs.checkpoint('job', 50)).toBeNull();
    await runs.settle('job', { isUnfinished: true });
    const kept = steps(runs, 'job');
    // The first was under way, the last eight had room to wait; the newest was written before the others.
    expect(kept).toEqual([0, 92, 93, 94, 95, 96, 97, 98, 99]);
    expect(written[1]).toBe(join(folder, 'job', '099.checkpoint'));
  });

  it('full: the run keeps its newest step in memory, and one notice tells it', async () => {
    let full = true;
    const disk: RunDisk = {
      ...runDisk,
      write: async (path, bytes, flush) => {
        if (full) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
        await runDisk.write(path, bytes, flush);
      },
    };
    const runs = open({ disk });
    runs.begin('job');
    for (let step = 1; step <= 4; step++) runs.setCheckpoint('job', checkpointAfter(step));
    describeRun(runs, 'job');
    runs.addPreview('job', 0, 'linear', () => Promise.resolve(Buffer.from('x')));
    await runs.settle('job', { isUnfinished: true });
    expect(told).toMatchObject([{ code: 'DISK_FULL' }]);
    expect((await runs.checkpoint('job'))?.stepsDone).toBe(4);
    expect(runs.frames('job')).toEqual([{ stepIndex: 3, bytes: 0 }]);
    full = false;
    await runs.settle('job', { isUnfinished: true });
    expect(steps(open(), 'job')).toEqual([]);
    expect(await files('job')).toEqual(['003.checkpoint']);
  });

  it('cut off from power: the newest step is flushed when the run waits or ends, earlier ones once a second', async () => {
    const flushed: string[] = [];
    const disk: RunDisk = {
      write: async (path, bytes, flush) => {
        await runDisk.write(path, bytes, flush);
        if (flush) flushed.push(path.slice(-14));
      },
      flush: async (path) => {
        await runDisk.flush(path);
        flushed.push(path.slice(-14));
      },
    };
    const runs = open({ disk });
    runs.begin('job');
    for (let step = 1; step <= 5; step++) {
      runs.setCheckpoint('job', checkpointAfter(step));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await runs.rest('job');
    expect(flushed).toEqual(['000.checkpoint', '004.checkpoint']);
  });
});

it('drops a run with all it has, also one that is being written', async () => {
  const runs = open();
  runs.begin('job');
  for (let step = 1; step <= 5; step++) runs.setCheckpoint('job', checkpointAfter(step));
  describeRun(runs, 'job');
  await runs.drop('job');
  expect(await readdir(folder)).toEqual([]);
  expect([runs.has('job'), runs.bytes()]).toEqual([false, 0]);
});
