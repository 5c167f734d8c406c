import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSession } from '../../ort/session.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Value } from '../onnx/graphBuilder.ts';
import { noAdapters, type Adapters, type WeightRef, type Weights } from '../weights.ts';
import { linear } from './layers.ts';
import { Net } from './net.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'stopbath-layers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 64 small numbers, each of its own. */
const values = Float32Array.from({ length: 64 }, (_, index) => ((index * 37) % 64) / 32 - 1);
writeFileSync(path.join(folder, 'weights.safetensors'), Buffer.from(values.buffer));

const at = (first: number, dims: readonly number[], transposed = false): WeightRef => ({
  file: 'weights.safetensors',
  offset: first * 4,
  length: 4 * dims.reduce((a, b) => a * b, 1),
  type: 'F32',
  dims,
  ...(transposed ? { transposed } : {}),
});

function weightsOf(refs: Readonly<Record<string, WeightRef>>): Weights {
  return {
    has: (name) => Object.hasOwn(refs, name),
    names: () => Object.keys(refs),
    get: (name) => refs[name] ?? at(0, [1]),
  };
}

const x: Tensor = { dims: [2, 3], data: Float32Array.of(1, -2, 0.5, 0, 3, -1) };

async function run(weights: Weights, adapters: Adapters, build: (net: Net, x: Value) => Value, strength = 0): Promise<Float32Array> {
  const net = new Net(weights, { adapters }, 'held');
  net.output('y', build(net, net.input('x', [2, 3])), ['rows', 'columns']);
  const file = path.join(folder, 'model.onnx');
  writeFileSync(file, net.build());
  const session = await openSession(file, 'cpu');
  try {
    const { y } = await session.run({ x, lora_strengths: { dims: [1], data: Float32Array.of(strength) } });
    return y?.data ?? new Float32Array();
  } finally {
    await session.release();
  }
}

/** Rows of x times the columns of [4, 3] that lie in `values` from `first` on, by element (output, input). */
const expected = (element: (output: number, input: number) => number, bias: (output: number) => number): number[] =>
  [0, 1].flatMap((row) =>
    [0, 1, 2, 3].map((output) => bias(output) + [0, 1, 2].reduce((sum, input) => sum + (x.data[row * 3 + input] ?? 0) * element(output, input), 0)),
  );

const value = (index: number): number => values[index] ?? NaN;

describe('a linear layer', () => {
  const bias = at(40, [4]);

  it('lies in the file as outputs by inputs, as a 1 x 1 convolution, or the other way round', async () => {
    const straight = expected((o, i) => value(o * 3 + i), (o) => value(40 + o));
    const turned = expected((o, i) => value(i * 4 + o), (o) => value(40 + o));
    const layer = (net: Net, input: Value): Value => linear(net, 'layer', input);
    for (const [weight, result] of [
      [at(0, [4, 3]), straight],
      [at(0, [4, 3, 1, 1]), straight],
      [at(0, [3, 4], true), turned],
    ] as const) {
      const actual = await run(weightsOf({ 'layer.weight': weight, 'layer.bias': bias }), noAdapters, layer);
      result.forEach((number, index) => expect(actual[index]).toBeCloseTo(number, 5));
    }
  });

  it('gives some of its outputs alone, with their share of a LoRA', async () => {
    const weights = weightsOf({ 'layer.weight': at(0, [4, 3]), 'layer.bias': bias });
    const adapters: Adapters = { count: 1, of: () => [{ index: 0, scale: 0.5, down: at(20, [2, 3]), up: at(30, [4, 2]) }] };
    const whole = await run(weights, adapters, (net, input) => linear(net, 'layer', input), 0.75);
    const part = await run(weights, adapters, (net, input) => linear(net, 'layer', input, { only: { from: 1, to: 3 } }), 0.75);
    const delta = (o: number, i: number): number => value(30 + o * 2) * value(20 + i) + value(31 + o * 2) * value(23 + i);
    const steered = expected((o, i) => value(o * 3 + i) + 0.75 * 0.5 * delta(o, i), (o) => value(40 + o));
    steered.forEach((number, index) => expect(whole[index]).toBeCloseTo(number, 5));
    [1, 2, 5, 6].forEach((place, index) => expect(part[index]).toBeCloseTo(steered[place] ?? NaN, 5));
  });

  it('is refused where outputs are asked for that it has not', () => {
    const net = new Net(weightsOf({ 'layer.weight': at(0, [4, 3]) }), {}, 'held');
    expect(() => linear(net, 'layer', 'x', { only: { from: 2, to: 5 } })).toThrow('Rows 2 to 5 of [4, 3].');
  });
});
