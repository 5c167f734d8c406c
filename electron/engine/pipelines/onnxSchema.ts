/** What of onnx.proto3 has to be known to find every tensor of a file. */

/** TensorProto.DataType of half precision. */
export const float16Type = 10;

/** Bytes an element takes, by TensorProto.DataType (onnx.proto3); types of half a byte and strings are left out. */
export const elementBytes = new Map([
  [1, 4], [2, 1], [3, 1], [4, 2], [5, 2], [6, 4], [7, 8], [9, 1], [10, 2], [11, 8], [12, 4], [13, 8], [14, 8], [15, 16], [16, 2],
  [17, 1], [18, 1], [19, 1], [20, 1],
]);

export type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'function' | 'training' | 'sparse' | 'tensor' | 'opset' | 'entry';

/** Where tensors can hide: message -> field number -> message (onnx.proto3). */
export const children: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph', 8: 'opset', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  function: { 7: 'node', 11: 'attribute' },
  training: { 1: 'graph', 2: 'graph' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  opset: {},
  entry: {},
};

/** float_data, int32_data, int64_data, double_data, uint64_data of a TensorProto. */
export function isList(field: number): boolean {
  return field === 4 || field === 5 || field === 7 || field === 10 || field === 11;
}
