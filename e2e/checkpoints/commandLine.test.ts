import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPngTexts } from '../../electron/media/png.ts';
import { singleTensors, writeFolder } from './fixtures.ts';
import { writeSafetensors } from './writeSafetensors.ts';

const entry = fileURLToPath(new URL('../../electron/engine/headless.ts', import.meta.url));

let place: string;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-line-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

function generate(model: string, out: string, ...more: string[]): Promise<{ code: number | null; stderr: string }> {
  const args = ['--model', model, '--provider', 'cpu', '--prompt', 'a red house', '--steps', '2', '--seed', '7', '--width', '64', '--height', '64', '--out', out, ...more];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, STOPBATH_CACHE_DIR: path.join(place, 'cache') } });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

it('draws with a single file, and with the same one again', async () => {
  const file = path.join(place, 'my model v1.safetensors');
  await writeSafetensors(file, singleTensors('sd1').map((tensor) => (tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [49_408, 64] } : tensor)));
  const [first, again] = [path.join(place, 'first.png'), path.join(place, 'again.png')];
  expect(await generate(file, first)).toEqual({ code: 0, stderr: '' });
  expect(await generate(file, again)).toEqual({ code: 0, stderr: '' });
  expect((await readFile(first)).equals(await readFile(again))).toBe(true);
  expect(readPngTexts(await readFile(first))[0]?.text).toMatch(/Model: my model v1/);
  const velocity = path.join(place, 'velocity.png');
  expect(await generate(file, velocity, '--prediction', 'v_prediction')).toEqual({ code: 0, stderr: '' });
  expect((await readFile(velocity)).equals(await readFile(first))).toBe(false);
  expect((await readdir(path.join(place, 'cache', 'checkpoints'))).filter((name) => !name.startsWith('.'))).toHaveLength(1);
});

it("draws with a folder of diffusers' layout", async () => {
  const out = path.join(place, 'folder.png');
  expect(await generate(await writeFolder('sdxl', place), out)).toEqual({ code: 0, stderr: '' });
  expect((await readFile(out)).length).toBeGreaterThan(100);
});

it('exits with 3 and the reason for a file that is no model', async () => {
  const pickle = path.join(place, 'old.ckpt');
  await writeFile(pickle, 'PK\u0003\u0004');
  const ended = await generate(pickle, path.join(place, 'none.png'));
  expect(ended).toEqual({ code: 3, stderr: expect.stringContaining('old.ckpt is a PyTorch pickle') as string });
  expect(ended.stderr).toContain('weights_only=True');
  expect(await generate(pickle, path.join(place, 'none.png'), '--prediction', 'colour')).toMatchObject({ code: 2, stderr: expect.stringContaining('--prediction') as string });
  const starter = fileURLToPath(new URL('../../assets/starter', import.meta.url));
  expect(await generate(starter, path.join(place, 'none.png'), '--vae', pickle)).toMatchObject({ code: 2, stderr: expect.stringContaining('--vae: only for') as string });
});
