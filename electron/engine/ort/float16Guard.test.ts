import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { onnxModel } from '../graph/onnx/model.ts';
import { float32ToFloat16 } from '../tensor/float16.ts';
import { tensor } from '../tensor/tensor.ts';
import { fromOrt, toOrt } from './convert.ts';
import { openSession } from './session.ts';

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

/** Each step times 1000, 1000, 1/1000, 1/1000, by convolutions of half precision: 10 becomes ten million on its way. */
function strongChain(): Buffer {
  const gains = [1000, 1000, 0.001, 0.001];
  const name = (step: number): string => (step === 0 ? 'x' : step === gains.length ? 'y' : `v${step}`);
  return onnxModel({
    inputs: [{ name: 'x', type: 'float16', dims: [1, 1, 1, 2] }],
    outputs: [{ name: 'y', type: 'float16', dims: [1, 1, 1, 2] }],
    initializers: gains.map((gain, step) => ({ name: `g${step}`, dims: [1, 1, 1, 1], data: Float32Array.of(gain) })),
    nodes: gains.flatMap((_, step) => [
      { op: 'Cast', inputs: [`g${step}`], outputs: [`h${step}`], attributes: { to: 10 } },
      { op: 'Conv', inputs: [name(step), `h${step}`], outputs: [name(step + 1)], attributes: { kernel_shape: [1, 1] } },
    ]),
  });
}

it.runIf(process.arch === 'x64')('the CPU computes half-precision graphs in full precision: that is where a VAE goes that overflows on its device', async () => {
  const session = await openSession(strongChain(), 'cpu');
  const { y } = await session.run({ x: tensor([1, 1, 1, 2], Float32Array.of(10, 3)) });
  expect(y?.data[0]).toBeCloseTo(10, 1);
  expect(y?.data[1]).toBeCloseTo(3, 1);
  await session.release();
});
