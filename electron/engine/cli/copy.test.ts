import { statSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { singleTensors } from '../../../e2e/checkpoints/fixtures.ts';
import { writeSparse } from '../../../e2e/checkpoints/writeSafetensors.ts';
import { chooseModel } from './model.ts';
import { parseOptions } from './options.ts';

/** Only Linux has a second disk everywhere. */
const otherDisk = '/dev/shm';
const hasTwoDisks = process.platform === 'linux' && statSync(otherDisk, { throwIfNoEntry: false })?.dev !== statSync(tmpdir()).dev;

let cache: string;
let disk: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'stopbath-copy-'));
  disk = await mkdtemp(join(hasTwoDisks ? otherDisk : tmpdir(), 'stopbath-copy-'));
});
afterEach(async () => {
  for (const folder of [cache, disk]) await rm(folder, { recursive: true, force: true });
});

const choose = (...argv: string[]): ReturnType<typeof chooseModel> => chooseModel(parseOptions(argv), { ...process.env, STOPBATH_CACHE_DIR: cache });

it.skipIf(!hasTwoDisks)('a checkpoint on a disk that takes nothing is refused naming --copy, which copies it', async () => {
  const tensors = singleTensors('sd1').map((tensor) => (tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [49_408, ...tensor.shape.slice(1)] } : tensor));
  const file = await writeSparse(join(disk, 'ink.safetensors'), tensors);
  // In the place of the folder that would be made.
  await writeFile(join(disk, '.stopbath'), '');
  await expect(choose('--model', file)).rejects.toMatchObject({ code: 'NO_PLACE', nextStep: expect.stringMatching(/or let it be copied \(\d+ MB\) with --copy\.$/) as string });
  const { folder } = await choose('--model', file, '--copy');
  expect(folder.startsWith(join(cache, 'checkpoints'))).toBe(true);
  expect((await stat(join(folder, 'unet', 'weights.safetensors'))).size).toBe((await stat(file)).size);
});

it('an ONNX folder is not copied', async () => {
  await expect(choose('--copy')).rejects.toThrow('--copy: only for a .safetensors checkpoint or a diffusers folder.');
});
