import { onnxModel, type OnnxInitializer, type OnnxNode } from '../graph/onnx/model.ts';
import { steadyValues } from '../tensor/steadyValues.ts';

const conv = (input: string, weight: string, output: string): OnnxNode => ({
  op: 'Conv',
  inputs: [input, weight],
  outputs: [output],
  attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
});

const ints = (name: string, ...values: number[]): OnnxInitializer => ({
  name,
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

const floats = (name: string, dims: number[], scale: number): OnnxInitializer => ({
  name,
  dims,
  data: steadyValues(dims.reduce((a, b) => a * b, 1), scale),
});

/** The kinds of work a UNet does, small: convolution, group normalisation, SiLU, attention. [1, 16, 16, 16] -> same. */
export function correctnessModel(): Buffer {
  return onnxModel({
    inputs: [{ name: 'x', type: 'float32', dims: [1, 16, 16, 16] }],
    outputs: [{ name: 'y', type: 'float32', dims: [1, 16, 16, 16] }],
    initializers: [
      floats('w', [16, 16, 3, 3], 0.15),
      ints('groups', 1, 4, -1),
      ints('tokens', 1, 16, 256),
      ints('image', 1, 16, 16, 16),
      { name: 'one', dims: [4], data: new Float32Array(4).fill(1) },
      { name: 'nil', dims: [4], data: new Float32Array(4) },
      floats('q', [16, 16], 0.4),
      floats('k', [16, 16], 0.4),
      floats('v', [16, 16], 0.4),
    ],
    nodes: [
      conv('x', 'w', 'c'),
      { op: 'Reshape', inputs: ['c', 'groups'], outputs: ['g'] },
      { op: 'InstanceNormalization', inputs: ['g', 'one', 'nil'], outputs: ['n'] },
      { op: 'Reshape', inputs: ['n', 'image'], outputs: ['ni'] },
      { op: 'Sigmoid', inputs: ['ni'], outputs: ['s'] },
      { op: 'Mul', inputs: ['ni', 's'], outputs: ['silu'] },
      { op: 'Reshape', inputs: ['silu', 'tokens'], outputs: ['flat'] },
      { op: 'Transpose', inputs: ['flat'], outputs: ['t'], attributes: { perm: [0, 2, 1] } },
      { op: 'MatMul', inputs: ['t', 'q'], outputs: ['tq'] },
      { op: 'MatMul', inputs: ['t', 'k'], outputs: ['tk'] },
      { op: 'MatMul', inputs: ['t', 'v'], outputs: ['tv'] },
      { op: 'Transpose', inputs: ['tk'], outputs: ['kt'], attributes: { perm: [0, 2, 1] } },
      { op: 'MatMul', inputs: ['tq', 'kt'], outputs: ['scores'] },
      { op: 'Softmax', inputs: ['scores'], outputs: ['a'], attributes: { axis: -1 } },
      { op: 'MatMul', inputs: ['a', 'tv'], outputs: ['av'] },
      { op: 'Transpose', inputs: ['av'], outputs: ['back'], attributes: { perm: [0, 2, 1] } },
      { op: 'Reshape', inputs: ['back', 'image'], outputs: ['r'] },
      { op: 'Add', inputs: ['r', 'x'], outputs: ['y'] },
    ],
  });
}

const normalised = (input: string, output: string): OnnxNode[] => [
  { op: 'Reshape', inputs: [input, 'groups'], outputs: [`${output}_g`] },
  { op: 'InstanceNormalization', inputs: [`${output}_g`, 'one', 'nil'], outputs: [`${output}_n`] },
  { op: 'Reshape', inputs: [`${output}_n`, 'shape'], outputs: [`${output}_i`] },
  { op: 'Sigmoid', inputs: [`${output}_i`], outputs: [`${output}_s`] },
  { op: 'Mul', inputs: [`${output}_i`, `${output}_s`], outputs: [output] },
];

/**
 * A residual block with attention as in a UNet, sides left open as in one: [n, 128, h, w] -> same. Enough work at 32 x 32 that a
 * real GPU wins, over in well under a second anywhere. A provider that takes only some of its operators, or no open sides (Core ML),
 * pays for every piece it leaves to the CPU, as it would in a UNet.
 */
export function speedModel(): Buffer {
  const open = ['n', 128, 'h', 'w'];
  return onnxModel({
    inputs: [{ name: 'x', type: 'float32', dims: open }],
    outputs: [{ name: 'y', type: 'float32', dims: open }],
    initializers: [
      floats('w', [128, 128, 3, 3], 0.05),
      floats('q', [128, 128], 0.1),
      floats('k', [128, 128], 0.1),
      floats('v', [128, 128], 0.1),
      ints('groups', 0, 32, -1),
      ints('tokens', 0, 128, -1),
      { name: 'one', dims: [32], data: new Float32Array(32).fill(1) },
      { name: 'nil', dims: [32], data: new Float32Array(32) },
    ],
    nodes: [
      { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
      ...normalised('x', 'a'),
      conv('a', 'w', 'b'),
      ...normalised('b', 'c'),
      conv('c', 'w', 'd'),
      { op: 'Add', inputs: ['d', 'x'], outputs: ['e'] },
      { op: 'Reshape', inputs: ['e', 'tokens'], outputs: ['flat'] },
      { op: 'Transpose', inputs: ['flat'], outputs: ['t'], attributes: { perm: [0, 2, 1] } },
      { op: 'MatMul', inputs: ['t', 'q'], outputs: ['tq'] },
      { op: 'MatMul', inputs: ['t', 'k'], outputs: ['tk'] },
      { op: 'MatMul', inputs: ['t', 'v'], outputs: ['tv'] },
      { op: 'Transpose', inputs: ['tk'], outputs: ['kt'], attributes: { perm: [0, 2, 1] } },
      { op: 'MatMul', inputs: ['tq', 'kt'], outputs: ['scores'] },
      { op: 'Softmax', inputs: ['scores'], outputs: ['weights'], attributes: { axis: -1 } },
      { op: 'MatMul', inputs: ['weights', 'tv'], outputs: ['av'] },
      { op: 'Transpose', inputs: ['av'], outputs: ['back'], attributes: { perm: [0, 2, 1] } },
      { op: 'Reshape', inputs: ['back', 'shape'], outputs: ['r'] },
      { op: 'Add', inputs: ['r', 'e'], outputs: ['y'] },
    ],
  });
}
