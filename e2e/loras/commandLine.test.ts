import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { decodeImage } from '../../electron/media/decode.ts';
import { createRig, ofKind } from '../../electron/engine/testing/engineRig.ts';
import { writeFolder } from '../checkpoints/fixtures.ts';
import { writeSafetensors } from '../checkpoints/writeSafetensors.ts';
import { writeLora } from './fixtures.ts';

// Whole models are opened and drawn with, several times a test.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const entry = fileURLToPath(new URL('../../electron/engine/headless.ts', import.meta.url));

let place: string;
let model: string;
let folder: string;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-line-'));
  model = await writeFolder('sd1', place);
  folder = path.join(place, 'loras');
  await mkdir(path.join(folder, 'styles'), { recursive: true });
  await rename(await writeLora('sd1', 'kohya', place), path.join(folder, 'styles', 'ink wash.safetensors'));
  await writeLora('sd1', 'peft', folder);
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function generate(...more: string[]): Promise<{ code: number | null; stderr: string; pixels: Buffer }> {
  const out = path.join(place, 'out.png');
  await rm(out, { force: true });
  const args = ['--model', model, '--provider', 'cpu', '--steps', '3', '--seed', '7', '--width', '64', '--height', '64', '--scheduler', 'euler', '--out', out, ...more];
  const ended = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, STOPBATH_CACHE_DIR: path.join(place, 'cache') } });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (code) => resolve({ code, stderr }));
  });
  const bytes = await readFile(out).catch(() => null);
  return { ...ended, pixels: bytes === null ? Buffer.alloc(0) : Buffer.from(decodeImage(bytes, 'image').rgb) };
}

it('draws the same with a path, a name in a folder and a tag, and what is steered', async () => {
  const prompt = ['--prompt', 'a red house'];
  const plain = await generate(...prompt);
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  const byPath = await generate(...prompt, '--lora', `${path.join(folder, 'styles', 'ink wash.safetensors')}:0.6`);
  expect(byPath).toMatchObject({ code: 0, stderr: '' });
  expect(byPath.pixels.equals(plain.pixels)).toBe(false);
  for (const other of [
    [...prompt, '--lora', 'ink wash:0.6', '--lora-dir', folder],
    ['--prompt', 'a red house<lora:ink wash:0.6>', '--lora-dir', folder],
  ]) {
    const same = await generate(...other);
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.pixels.equals(byPath.pixels)).toBe(true);
  }
  const atZero = await generate(...prompt, '--lora', 'ink wash:0', '--lora', 'sd1-peft:0', '--lora-dir', folder);
  expect(atZero.pixels.equals(plain.pixels)).toBe(true);
  const steered = await generate(...prompt, '--lora', 'ink wash:0', '--lora-dir', folder, '--steer', '0:loras=<lora:ink wash:0.6>');
  expect(steered).toMatchObject({ code: 0, stderr: '' });
  expect([plain, byPath].some(({ pixels }) => pixels.equals(steered.pixels))).toBe(false);
});

it('draws with an embedding that the prompt names', async () => {
  const embeddings = path.join(place, 'embeddings');
  await mkdir(embeddings);
  await writeSafetensors(path.join(embeddings, 'zorb.safetensors'), [{ name: 'emb_params', type: 'F32', shape: [2, 64] }]);
  const plain = await generate('--prompt', 'a zorb house');
  const named = await generate('--prompt', 'a zorb house', '--embedding-dir', embeddings);
  const comfy = await generate('--prompt', 'a embedding:zorb house', '--syntax', 'comfy', '--embedding-dir', embeddings);
  expect([named.stderr, comfy.stderr]).toEqual(['', '']);
  expect(named.pixels.equals(plain.pixels)).toBe(false);
  expect(comfy.pixels.equals(named.pixels)).toBe(true);
});

it.each<[string[], number, string]>([
  [['--prompt', 'a', '--lora', 'ink'], 2, '--lora: there is no file for "ink"'],
  [['--prompt', 'a <lora:ink wish:1>', '--lora-dir', '@'], 2, 'There is ink wash'],
  [['--prompt', 'a', '--lora', '@/none.safetensors:0.5'], 2, '--lora: there is no file'],
  [['--prompt', 'a', '--lora', 'ink wash:9', '--lora-dir', '@'], 2, '--lora'],
  [['--prompt', 'a', '--lora', 'ink wash', '--lora', 'ink wash:0.5', '--lora-dir', '@'], 2, 'given twice'],
  [['--prompt', 'a', '--lora', 'ink', '--lora-dir', '@/none'], 2, '--lora-dir'],
  [['--prompt', 'a <lora:ink wash:much>', '--lora-dir', '@'], 2, 'much'],
  [['--prompt', 'a embedding:zorb', '--syntax', 'comfy'], 2, '--embedding-dir: is needed'],
  [['--prompt', 'a embedding:zorb', '--syntax', 'comfy', '--embedding-dir', '@'], 2, 'there is no "zorb"'],
])('%j is refused', async (args, code, says) => {
  const ended = await generate(...args.map((arg) => arg.replace('@', folder)));
  expect(ended.stderr).toContain(says);
  expect(ended.code).toBe(code);
});

it('counts the tokens of a prompt without its tags', async () => {
  const rig = createRig(model);
  const starter = fileURLToPath(new URL('../../assets/starter', import.meta.url));
  await rig.engine.handle({ kind: 'count-tokens', requestId: 'a', modelFolder: starter, texts: ['a red house', 'a red house<lora:ink wash:0.6>', 'a red house <lora:'], syntax: 'a1111' });
  await rig.engine.handle({ kind: 'count-tokens', requestId: 'b', modelFolder: starter, texts: ['a red house', 'a red house<lora:ink wash:0.6>'], syntax: 'plain' });
  const [tagged, plain] = ofKind(rig.messages, 'tokens').map(({ counts }) => counts);
  expect(tagged?.[1]).toEqual(tagged?.[0]);
  expect(tagged?.[2]?.chunks[0]).toBeGreaterThan(tagged?.[0]?.chunks[0] ?? 0);
  expect(plain?.[1]?.chunks[0]).toBeGreaterThan(plain?.[0]?.chunks[0] ?? 0);
});
