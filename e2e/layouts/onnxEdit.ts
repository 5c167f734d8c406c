import { onnxModel, type OnnxConstant, type OnnxGraph, type OnnxNode, type OnnxValue } from '../../electron/engine/graph/onnx/model.ts';
import { bytesField, numberField } from '../../electron/engine/graph/onnx/protobuf.ts';

/** One field of a protobuf message: `content` is the payload of a length-delimited one, else null. */
interface Field {
  readonly field: number;
  readonly raw: Buffer;
  readonly content: Buffer | null;
}

/** An .onnx file taken apart as far as tests change it. Field numbers: onnx.proto3. */
export interface OnnxDraft {
  model: Field[];
  graph: Field[];
}

function readVarint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
    scale *= 128;
  }
}

function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const begin = at;
    const [key, next] = readVarint(bytes, at);
    const wire = key % 8;
    let content: Buffer | null = null;
    if (wire === 0) at = readVarint(bytes, next)[1];
    else if (wire === 2) {
      const [length, from] = readVarint(bytes, next);
      content = bytes.subarray(from, from + length);
      at = from + length;
    } else at = next + (wire === 1 ? 8 : 4);
    fields.push({ field: Math.floor(key / 8), raw: bytes.subarray(begin, at), content });
  }
  return fields;
}

export function messageField(field: number, content: Buffer | string): Field {
  return { field, content: Buffer.from(content), raw: bytesField(field, content) };
}

export function valueField(field: number, value: number): Field {
  return { field, content: null, raw: numberField(field, value) };
}

const joined = (fields: readonly Field[]): Buffer => Buffer.concat(fields.map(({ raw }) => raw));
const textOf = (fields: readonly Field[], field: number): string => fields.find((item) => item.field === field)?.content?.toString() ?? '';

export function parseOnnx(bytes: Buffer): OnnxDraft {
  const model = fieldsOf(bytes);
  return { model, graph: fieldsOf(model.find(({ field }) => field === 7)?.content ?? Buffer.alloc(0)) };
}

export function writeOnnx({ model, graph }: OnnxDraft): Buffer {
  return joined(model.map((item) => (item.field === 7 ? messageField(7, joined(graph)) : item)));
}

const [nodeField, weightField, inputField, outputField] = [1, 5, 11, 12];

/** The fields our own writer makes of nodes, values and weights. */
function made(graph: Partial<OnnxGraph>): Field[] {
  return parseOnnx(onnxModel({ nodes: [], inputs: [], outputs: [], ...graph })).graph;
}

const valueName = ({ content }: Field): string => textOf(fieldsOf(content ?? Buffer.alloc(0)), 1);

/** Another input in the place of one; `nodes` make what the graph took from what it is given now. */
export function replaceInput(draft: OnnxDraft, name: string, value: OnnxValue, nodes: readonly OnnxNode[] = [], weights: readonly OnnxConstant[] = []): void {
  const [input] = made({ inputs: [value] }).filter(({ field }) => field === inputField);
  const own = draft.graph.map((item) => (item.field === inputField && valueName(item) === name && input !== undefined ? input : item));
  draft.graph = [...made({ nodes, initializers: weights }).filter(({ field }) => field === nodeField || field === weightField), ...own];
}

/** An input more, which nothing takes. */
export function addInput(draft: OnnxDraft, value: OnnxValue): void {
  draft.graph = [...draft.graph, ...made({ inputs: [value] }).filter(({ field }) => field === inputField)];
}

/** The same for an output. */
export function replaceOutput(draft: OnnxDraft, name: string, value: OnnxValue, nodes: readonly OnnxNode[] = [], weights: readonly OnnxConstant[] = []): void {
  const [output] = made({ outputs: [value] }).filter(({ field }) => field === outputField);
  const own = draft.graph.map((item) => (item.field === outputField && valueName(item) === name && output !== undefined ? output : item));
  draft.graph = [...own, ...made({ nodes, initializers: weights }).filter(({ field }) => field === nodeField || field === weightField)];
}

/** Adds an output, made by `nodes`. */
export function addOutput(draft: OnnxDraft, value: OnnxValue, nodes: readonly OnnxNode[] = []): void {
  const fields = made({ outputs: [value], nodes }).filter(({ field }) => field === outputField || field === nodeField);
  draft.graph = [...draft.graph, ...fields];
}

/** Its outputs the other way round. */
export function reverseOutputs(draft: OnnxDraft): void {
  const outputs = draft.graph.filter(({ field }) => field === outputField);
  draft.graph = [...draft.graph.filter(({ field }) => field !== outputField), ...outputs.reverse()];
}

/** A value's name inside the graph, in all nodes. */
export function renameInside(draft: OnnxDraft, from: string, to: string): void {
  draft.graph = draft.graph.map((item) => {
    if (item.field !== nodeField || item.content === null) return item;
    const fields = fieldsOf(item.content);
    if (!fields.some(({ field, content }) => field <= 2 && content?.toString() === from)) return item;
    return messageField(nodeField, joined(fields.map((own) => (own.field <= 2 && own.content?.toString() === from ? messageField(own.field, to) : own))));
  });
}

/** An input's or output's name, everywhere. */
export function renameValue(draft: OnnxDraft, from: string, to: string): void {
  renameInside(draft, from, to);
  draft.graph = draft.graph.map((item) => {
    if ((item.field !== inputField && item.field !== outputField) || valueName(item) !== from) return item;
    const fields = fieldsOf(item.content ?? Buffer.alloc(0));
    return messageField(item.field, joined(fields.map((own) => (own.field === 1 ? messageField(1, to) : own))));
  });
}

export interface WeightDraft {
  readonly name: string;
  readonly raw: Buffer;
  readonly fields: readonly Field[];
}

/** Every weight that holds its bytes itself, as `change` leaves it. */
export function mapWeights(draft: OnnxDraft, change: (weight: WeightDraft) => readonly Field[]): void {
  draft.graph = draft.graph.map((item) => {
    if (item.field !== weightField || item.content === null) return item;
    const fields = fieldsOf(item.content);
    const raw = fields.find(({ field }) => field === 9)?.content;
    if (raw === null || raw === undefined) return item;
    return messageField(weightField, joined(change({ name: textOf(fields, 8), raw, fields })));
  });
}

const entry = (key: string, value: string): Field => messageField(13, joined([messageField(1, key), messageField(2, value)]));

export interface ExternalPlace {
  readonly location: string;
  readonly offset?: string;
  readonly length?: string;
}

/** A weight as one that lies elsewhere. */
export function externalWeight(fields: readonly Field[], { location, offset, length }: ExternalPlace): readonly Field[] {
  return [
    ...fields.filter(({ field }) => field !== 9 && field !== 14),
    valueField(14, 1),
    entry('location', location),
    ...(offset === undefined ? [] : [entry('offset', offset)]),
    ...(length === undefined ? [] : [entry('length', length)]),
  ];
}

/**
 * Moves the weights of 64 bytes and more into another file.
 * @returns its bytes
 */
export function externalise(draft: OnnxDraft, location: string): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  mapWeights(draft, ({ raw, fields }) => {
    if (raw.length < 64) return fields;
    const place = { location, offset: String(offset), length: String(raw.length) };
    parts.push(raw);
    offset += raw.length;
    return externalWeight(fields, place);
  });
  return Buffer.concat(parts);
}

/** The sides of weights of that size in bytes, changed. */
export function changeDims(fields: readonly Field[], dims: readonly number[]): readonly Field[] {
  return [...dims.map((side) => valueField(1, side)), ...fields.filter(({ field }) => field !== 1)];
}
