import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { onnxModel } from '../graph/onnx/model.ts';
import { float32ToFloat16 } from '../tensor/float16.ts';
import { tensor } from '../tensor/tensor.ts';
import { fromOrt, toOrt } from './convert.ts';

/**
 * What convert.ts works around (onnxruntime PR 32323), pinned: whoever upgrades onnxruntime-node or Node and sees one of these fail
 * knows that the workaround has to be looked at again.
 */
const identity = onnxModel({
  inputs: [{ name: 'x', type: 'float16', dims: ['n'] }],
  outputs: [{ name: 'y', type: 'float16', dims: ['n'] }],
  nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
});
const values = Float32Array.of(1, -2.5, 0.0999755859375, 65_504, 6e-8, 0);
const halves = float32ToFloat16(values);

it('this is the pair of versions it was seen with', () => {
  expect(env.versions.node).toBe('1.30.0');
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24);
  expect(typeof globalThis.Float16Array).toBe('function');
});

it('a Tensor of float16 becomes a Float16Array and is refused: its length is read as 0', async () => {
  const session = await InferenceSession.create(identity, { executionProviders: ['cpu'] });
  const x = new Tensor('float16', halves, [values.length]);
  expect(x.data).toBeInstanceOf(globalThis.Float16Array);
  await expect(session.run({ x })).rejects.toThrow(/not enough space.*got 0/);
  await session.release();
});

it('a plain object in its place goes through bit by bit, there and back', async () => {
  const session = await InferenceSession.create(identity, { executionProviders: ['cpu'] });
  const { y } = await session.run({ x: toOrt(tensor([values.length], values), 'float16') });
  expect(y?.type).toBe('float16');
  const back = fromOrt(y as Tensor);
  expect(back.dims).toEqual([values.length]);
  expect(float32ToFloat16(back.data)).toEqual(halves);
  await session.release();
});
