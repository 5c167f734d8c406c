/**
 * A writer of small ONNX files: protobuf's varints and length-delimited fields are all they need. Field numbers: onnx.proto3.
 */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: 'float32' | 'float16' | 'int32' | 'int64';
  /** Strings are sides left open. */
  readonly dims: readonly (number | string)[];
}

export interface OnnxInitializer {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers?: readonly OnnxInitializer[];
}

const elementTypes = { float32: 1, int32: 6, int64: 7, float16: 10 } as const;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const number = (field: number, value: number): Buffer => Buffer.concat([varint(field << 3), varint(value)]);

function bytes(field: number, value: Buffer | string): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

function float(field: number, value: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), content]);
}

function attribute(name: string, value: number | readonly number[] | { readonly float: number }): Buffer {
  if (typeof value === 'number') return Buffer.concat([bytes(1, name), number(3, value), number(20, 2)]);
  if ('float' in value) return Buffer.concat([bytes(1, name), float(2, value.float), number(20, 1)]);
  return Buffer.concat([bytes(1, name), ...value.map((item) => number(8, item)), number(20, 7)]);
}

function node({ op, inputs, outputs, attributes = {} }: OnnxNode): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => bytes(1, name)),
    ...outputs.map((name) => bytes(2, name)),
    bytes(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  ]);
}

function valueInfo({ name, type, dims }: OnnxValue): Buffer {
  const sides = dims.map((side) => bytes(1, typeof side === 'string' ? bytes(2, side) : number(1, side)));
  const tensorType = Buffer.concat([number(1, elementTypes[type]), bytes(2, Buffer.concat(sides))]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, tensorType))]);
}

function initializer({ name, dims, data }: OnnxInitializer): Buffer {
  const type = data instanceof Float32Array ? elementTypes.float32 : elementTypes.int64;
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([...dims.map((side) => number(1, side)), number(2, type), bytes(8, name), bytes(9, raw)]);
}

/** The bytes of an .onnx file, opset 17. */
export function onnxModel(graph: OnnxGraph): Buffer {
  const body = Buffer.concat([
    ...graph.nodes.map((item) => bytes(1, node(item))),
    bytes(2, 'stopbath'),
    ...(graph.initializers ?? []).map((item) => bytes(5, initializer(item))),
    ...graph.inputs.map((value) => bytes(11, valueInfo(value))),
    ...graph.outputs.map((value) => bytes(12, valueInfo(value))),
  ]);
  const opset = Buffer.concat([bytes(1, ''), number(2, 17)]);
  return Buffer.concat([number(1, 8), bytes(7, body), bytes(8, opset)]);
}
