import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Checkpoint } from '../../shared/engineProtocol.ts';
import type { Failure } from '../../shared/errors.ts';
import { parseGenerationRequest } from '../../shared/generation.ts';
import { createRuns } from './runs.ts';

let folder = '';
let told: Failure[] = [];
const tell = (failure: Failure): void => void told.push(failure);
beforeEach(async () => {
  told = [];
  folder = await mkdtemp(join(tmpdir(), 'stopbath-runs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function checkpoint(stepsDone: number): Checkpoint {
  const tensor = { dims: [1, 4, 1, 1], data: new Float32Array([0.1, -2, 3e-8, stepsDone]) };
  return {
    version: 2,
    request: parseGenerationRequest({
      task: 'text-to-image',
      modelId: 'starter',
      prompt: '猫',
      negativePrompt: null,
      width: 128,
      height: 128,
      steps: 20,
      guidanceScale: 4,
      guidanceEnd: { kind: 'never' },
      scheduler: 'ddim',
      seed: '18446744073709551615',
    }),
    modelHash: 'abc',
    stepsDone,
    numTimesteps: 20,
    latents: tensor,
    cleanEstimate: tensor,
    stepper: { history: [new Float32Array([1.5])], at: 3 },
    generator: { state: new BigUint64Array([5n]) },
    tensors: { noise: tensor },
    guidanceScale: 4,
    guidanceEnd: { kind: 'never' },
    steps: [],
  };
}

it('gives back the very checkpoint after the app has died, opaque states included', async () => {
  const runs = createRuns(folder, tell);
  for (let step = 1; step <= 20; step++) runs.setCheckpoint('job', checkpoint(step));
  await runs.settle('job');
  expect(await createRuns(folder, tell).checkpoint('job')).toEqual(checkpoint(20));
  expect(await readdir(folder)).toEqual(['job.checkpoint']);
});

it.each([
  ['damaged', Buffer.from('not serialized')],
  ['of an older version', serialize({ ...checkpoint(3), version: 1 })],
  ['of a newer version', serialize({ ...checkpoint(3), version: 3 })],
])('sets aside a file that is %s, says so once, and never throws', async (_, bytes) => {
  await writeFile(join(folder, 'cut.checkpoint'), bytes);
  const runs = createRuns(folder, tell);
  expect(await runs.checkpoint('cut')).toBeNull();
  expect(await runs.checkpoint('cut')).toBeNull();
  expect(await runs.checkpoint('none')).toBeNull();
  expect(told).toMatchObject([{ code: 'FILE_ACCESS' }]);
  expect(told[0]?.message).toContain(join(folder, 'cut.checkpoint.unreadable'));
  await runs.dropOthers(new Set());
  expect(await readFile(join(folder, 'cut.checkpoint.unreadable'))).toEqual(bytes);
});

it('keeps a checkpoint in memory that the disk does not take', async () => {
  await writeFile(join(folder, 'file'), '');
  const runs = createRuns(join(folder, 'file', 'below'), tell);
  runs.setCheckpoint('job', checkpoint(4));
  await runs.settle('job');
  expect((await runs.checkpoint('job'))?.stepsDone).toBe(4);
});

it('drops what nobody will come back to', async () => {
  const runs = createRuns(folder, tell);
  for (const job of ['a', 'b']) {
    runs.setCheckpoint(job, checkpoint(1));
    await runs.settle(job);
  }
  await writeFile(join(folder, 'c.checkpoint.tmp'), 'half');
  await runs.dropOthers(new Set(['b']));
  expect(await readdir(folder)).toEqual(['b.checkpoint']);
  await runs.drop('b');
  expect(await readdir(folder)).toEqual([]);
});
