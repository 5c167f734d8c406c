import { StopbathError } from '../../../../shared/errors.ts';
import type { Value } from '../onnx/graphBuilder.ts';
import type { Adapter, WeightRef } from '../weights.ts';
import type { Net } from './net.ts';

/** Outputs `from` up to, not including, `to` of a linear layer. */
export interface Outputs {
  readonly from: number;
  readonly to: number;
}

export interface LinearOptions {
  /** A part of the outputs, computed alone. */
  readonly only?: Outputs | null;
  /** Where x is known long before its turn: a value that is not. Streamed weights wait for it. */
  readonly after?: Value;
}

/**
 * y = x W^T + b, and what the LoRAs add. A 1 x 1 convolution is the same over tokens, whichever of the two the file has.
 * @param x [rows, in]
 * @returns [rows, out]
 */
export function linear(net: Net, layer: string, x: Value, { only = null, after = x }: LinearOptions = {}): Value {
  return net.graph.within(layer, () => {
    const weight = slice(net.weights.get(`${layer}.weight`), only);
    const bias = net.weights.has(`${layer}.bias`) ? [vector(net, `${layer}.bias`, only)] : [];
    const name = `${layer}.weight${suffix(only)}`;
    const y = net.graph.op('Gemm', [x, net.large(name, weight, matrixDims(weight), after), ...bias], {
      transB: weight.transposed === true ? 0 : 1,
    });
    return net.adapters
      .of(layer)
      .reduce((sum, adapter, index) => linearAdapter(net, `${layer}.lora_${index}`, { x, sum, adapter, only, after }), y);
  });
}

interface LinearAdapterInputs {
  readonly x: Value;
  /** What the layer gives without this LoRA. */
  readonly sum: Value;
  readonly adapter: Adapter;
  readonly only: Outputs | null;
  readonly after: Value;
}

function linearAdapter(net: Net, name: string, { x, sum, adapter, only, after }: LinearAdapterInputs): Value {
  const { down, mid, up, index, scale } = adapter;
  const apply = (part: string, ref: WeightRef, inputs: readonly [Value, ...Value[]]): Value => {
    const [first, ...added] = inputs;
    return net.graph.op('Gemm', [first, net.large(`${name}.${part}`, ref, matrixDims(ref), after), ...added], { transB: ref.transposed === true ? 0 : 1 });
  };
  const low = apply('down', down, [x]);
  const inner = mid === undefined ? low : apply('mid', mid, [low]);
  const steered = net.graph.op('Mul', [inner, net.strength(index, scale)]);
  return apply(`up${suffix(only)}`, slice(up, only), [steered, sum]);
}

export interface ConvOptions {
  readonly stride?: number;
  /** Pixels of zeros [top, left, bottom, right]; left out: what keeps the size at stride 1. */
  readonly pads?: readonly number[];
}

/** A convolution, and what the LoRAs add. @param x [B, C, H, W] */
export function conv(net: Net, layer: string, x: Value, options: ConvOptions = {}): Value {
  return net.graph.within(layer, () => {
    const bias = net.weights.has(`${layer}.bias`) ? [net.weight(`${layer}.bias`)] : [];
    const ref = net.weights.get(`${layer}.weight`);
    const y = convolve(net, [x, net.large(`${layer}.weight`, ref, ref.dims, x), ...bias], ref, options);
    return net.adapters
      .of(layer)
      .reduce((sum, adapter, index) => net.graph.op('Add', [sum, convAdapter(net, `${layer}.lora_${index}`, x, adapter, options)]), y);
  });
}

/** Stride and borders belong to the one kernel that has the layer's size: `mid` where there is one. */
function convAdapter(net: Net, name: string, x: Value, adapter: Adapter, options: ConvOptions): Value {
  const { down, up, mid } = adapter;
  const steered = (value: Value): Value => net.graph.op('Mul', [value, net.strength(adapter.index, adapter.scale)]);
  const apply = (part: string, value: Value, ref: WeightRef, given: ConvOptions): Value =>
    convolve(net, [value, net.large(`${name}.${part}`, ref, kernelDims(ref), x)], ref, given);
  const inner = apply('down', x, down, mid === undefined ? options : {});
  return apply('up', steered(mid === undefined ? inner : apply('mid', inner, mid, options)), up, {});
}

function convolve(net: Net, [x, kernel, ...bias]: readonly [Value, Value, ...Value[]], weight: WeightRef, options: ConvOptions): Value {
  const { stride = 1, pads } = options;
  const [, channels, height, width] = kernelDims(weight);
  const border = [Math.floor(height / 2), Math.floor(width / 2)];
  const missing = height > 1 && net.device === 'webgpu' ? miscounted(channels) : 0;
  const filled = (value: Value): Value =>
    missing === 0 ? value : net.graph.op('Pad', [value, net.graph.ints(0, 0, 0, 0, 0, missing, 0, 0), net.scalar(0)]);
  return net.graph.op('Conv', [filled(x), filled(kernel), ...bias], {
    kernel_shape: [height, width],
    // A 1 x 1 kernel sees no border: with the stride it falls on the same pixels as a larger one.
    pads: height === 1 && width === 1 ? [0, 0, 0, 0] : (pads ?? [...border, ...border]),
    strides: [stride, stride],
  });
}

/**
 * Channels of zeros that make a count right: ONNX Runtime 1.30 on WebGPU takes three at a time where they are a multiple of three but not of
 * four, and then computes something else (6, 9 and 15 channels tried; the 9 of inpainting models among them).
 */
function miscounted(channels: number): number {
  return channels > 3 && channels % 3 === 0 && channels % 4 !== 0 ? 4 - (channels % 4) : 0;
}

/** LayerNorm over the width of [rows, width]; the operator sums in float32 in any graph (`stash_type`). */
export function layerNorm(net: Net, layer: string, x: Value, epsilon = 1e-5): Value {
  return net.graph.within(layer, () =>
    net.graph.op('LayerNormalization', [x, net.weight(`${layer}.weight`), net.weight(`${layer}.bias`)], {
      axis: -1,
      epsilon: { float: epsilon },
    }),
  );
}

/** GroupNorm (arXiv 1803.08494): InstanceNorm over groups of channels laid out as one, as ONNX exports write it. @param x [B, C, H, W] */
export function groupNorm(net: Net, layer: string, x: Value, groups: number, epsilon: number): Value {
  const { graph } = net;
  return graph.within(layer, () => {
    const channels = net.weights.get(`${layer}.weight`).dims[0] ?? 0;
    const grouped = graph.op('Reshape', [x, graph.ints(0, groups, -1)]);
    const each = (value: number): Value => graph.floats(new Float32Array(groups).fill(value));
    const normal = net.inFloat32(grouped, (all) => graph.op('InstanceNormalization', [all, each(1), each(0)], { epsilon: { float: epsilon } }));
    const image = graph.op('Reshape', [normal, graph.op('Shape', [x])]);
    const scaled = graph.op('Mul', [image, net.weight(`${layer}.weight`, [channels, 1, 1])]);
    return graph.op('Add', [scaled, net.weight(`${layer}.bias`, [channels, 1, 1])]);
  });
}

function vector(net: Net, name: string, only: Outputs | null): Value {
  return net.tensor(`${name}${suffix(only)}`, slice(net.weights.get(name), only));
}

function suffix(only: Outputs | null): string {
  return only === null ? '' : `[${only.from}:${only.to}]`;
}

/** Rows of a tensor: a shorter range of the same bytes. */
function slice(ref: WeightRef, only: Outputs | null): WeightRef {
  if (only === null) return ref;
  const [rows = 0, ...rest] = ref.dims;
  if (ref.transposed === true || only.to > rows) {
    throw new StopbathError({ code: 'INTERNAL', message: `Rows ${only.from} to ${only.to} of [${ref.dims.join(', ')}].` });
  }
  const rowBytes = ref.length / rows;
  const count = only.to - only.from;
  return { ...ref, offset: ref.offset + only.from * rowBytes, length: count * rowBytes, dims: [count, ...rest] };
}

function matrixDims({ dims: [out = 1, ...rest] }: WeightRef): readonly [number, number] {
  return [out, rest.reduce((product, side) => product * side, 1)];
}

function kernelDims({ dims: [out = 1, into = 1, height = 1, width = 1] }: WeightRef): readonly [number, number, number, number] {
  return [out, into, height, width];
}
