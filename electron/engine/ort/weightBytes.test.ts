import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GraphBuilder } from '../graph/onnx/graphBuilder.ts';
import { weightBytesOf } from './session.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-weights-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('counts what a graph names of a file beside it, not the file', async () => {
  const graph = new GraphBuilder();
  const weight = graph.external({ name: 'weight', dims: [4, 4], type: 'float32', location: 'weights.safetensors', offset: 1024, length: 64 });
  graph.output('y', graph.op('MatMul', [graph.input('x', 'float32', [1, 4]), weight]), 'float32', [1, 4]);
  const bytes = graph.build();
  const file = join(folder, 'model.onnx');
  await writeFile(file, bytes);
  await writeFile(join(folder, 'weights.safetensors'), '');
  await truncate(join(folder, 'weights.safetensors'), 2 ** 32);
  expect(await weightBytesOf(file)).toBe(bytes.length + 64);
});

it('takes all that lies beside a file that names no lengths, and nothing of one that is not there', async () => {
  const file = join(folder, 'inline.onnx');
  await writeFile(file, 'no graph');
  expect(await weightBytesOf(file)).toBeGreaterThan(2 ** 32);
  expect(await weightBytesOf(join(folder, 'none.onnx'))).toBe(0);
});
