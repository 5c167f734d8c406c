import { bytesField, floatField, numberField } from './protobuf.ts';

/** What an operator can be told: a whole number, whole numbers, a word, or a float. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  /** Values by name; an empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** `com.microsoft` for ONNX Runtime's own operators. */
  readonly domain?: 'com.microsoft';
  readonly name?: string;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: 'float32' | 'float16' | 'int32' | 'int64';
  /** Strings are sides left open. */
  readonly dims: readonly (number | string)[];
}

/** A constant inside the file. */
export interface OnnxConstant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** A constant that lies in another file of the same folder. */
interface ExternalInitializer {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: 'float32' | 'float16' | 'bfloat16';
  readonly location: string;
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
}

export type OnnxInitializer = OnnxConstant | ExternalInitializer;

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers?: readonly OnnxInitializer[];
  /** Version of the ONNX operators; left out: 17. */
  readonly opset?: number;
}

/** `TensorProto.DataType` */
export const elementTypes = { float32: 1, int32: 6, int64: 7, float16: 10, bfloat16: 16 } as const;

function attribute(name: string, value: OnnxAttribute): Buffer {
  if (typeof value === 'number') return Buffer.concat([bytesField(1, name), numberField(3, value), numberField(20, 2)]);
  if (typeof value === 'string') return Buffer.concat([bytesField(1, name), bytesField(4, value), numberField(20, 3)]);
  if ('float' in value) return Buffer.concat([bytesField(1, name), floatField(2, value.float), numberField(20, 1)]);
  return Buffer.concat([bytesField(1, name), ...value.map((item) => numberField(8, item)), numberField(20, 7)]);
}

function node({ op, inputs, outputs, attributes = {}, domain, name }: OnnxNode): Buffer {
  return Buffer.concat([
    ...inputs.map((value) => bytesField(1, value)),
    ...outputs.map((value) => bytesField(2, value)),
    ...(name === undefined ? [] : [bytesField(3, name)]),
    bytesField(4, op),
    ...Object.entries(attributes).map(([key, value]) => bytesField(5, attribute(key, value))),
    ...(domain === undefined ? [] : [bytesField(7, domain)]),
  ]);
}

function valueInfo({ name, type, dims }: OnnxValue): Buffer {
  const sides = dims.map((side) => bytesField(1, typeof side === 'string' ? bytesField(2, side) : numberField(1, side)));
  const tensorType = Buffer.concat([numberField(1, elementTypes[type]), bytesField(2, Buffer.concat(sides))]);
  return Buffer.concat([bytesField(1, name), bytesField(2, bytesField(1, tensorType))]);
}

function initializer(item: OnnxInitializer): Buffer {
  const sides = item.dims.map((side) => numberField(1, side));
  if ('data' in item) {
    const type = item.data instanceof Float32Array ? elementTypes.float32 : elementTypes.int64;
    const raw = Buffer.from(item.data.buffer, item.data.byteOffset, item.data.byteLength);
    return Buffer.concat([...sides, numberField(2, type), bytesField(8, item.name), bytesField(9, raw)]);
  }
  const place = { location: item.location, offset: String(item.offset), length: String(item.length) };
  return Buffer.concat([
    ...sides,
    numberField(2, elementTypes[item.type]),
    bytesField(8, item.name),
    ...Object.entries(place).map(([key, value]) => bytesField(13, Buffer.concat([bytesField(1, key), bytesField(2, value)]))),
    // data_location: EXTERNAL
    numberField(14, 1),
  ]);
}

/** The bytes of an .onnx file. Field numbers: onnx.proto3. */
export function onnxModel(graph: OnnxGraph): Buffer {
  const body = Buffer.concat([
    ...graph.nodes.map((item) => bytesField(1, node(item))),
    bytesField(2, 'stopbath'),
    ...(graph.initializers ?? []).map((item) => bytesField(5, initializer(item))),
    ...graph.inputs.map((value) => bytesField(11, valueInfo(value))),
    ...graph.outputs.map((value) => bytesField(12, valueInfo(value))),
  ]);
  const opset = (domain: string, version: number): Buffer =>
    bytesField(8, Buffer.concat([bytesField(1, domain), numberField(2, version)]));
  const usesOwn = graph.nodes.some(({ domain }) => domain === 'com.microsoft');
  const irVersion = numberField(1, 9);
  return Buffer.concat([irVersion, bytesField(7, body), opset('', graph.opset ?? 17), ...(usesOwn ? [opset('com.microsoft', 1)] : [])]);
}
