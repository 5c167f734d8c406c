import type { Tensor as OrtValue } from 'onnxruntime-node';
import { StopbathError } from '../../../shared/errors.ts';
import { float16ToFloat32, float32ToFloat16 } from '../tensor/float16.ts';
import { describeDims, type Tensor } from '../tensor/tensor.ts';
import { OrtTensor } from './runtime.ts';

/** Our float32 values as the element type a model's input declares. */
export function toOrt(value: Tensor, type: string): OrtValue {
  switch (type) {
    case 'float32':
      return new OrtTensor('float32', value.data, value.dims);
    case 'float16':
      return halfTensor(value);
    case 'float64':
      return new OrtTensor('float64', Float64Array.from(value.data), value.dims);
    case 'int32':
      return new OrtTensor('int32', Int32Array.from(value.data), value.dims);
    case 'int64':
      return new OrtTensor('int64', BigInt64Array.from(value.data, (item) => BigInt(Math.trunc(item))), value.dims);
    default:
      throw new StopbathError({ code: 'MODEL_UNSUPPORTED', message: `The model takes ${type} values.` });
  }
}

/**
 * onnxruntime-node 1.30 on Node 24 makes a Float16Array of any float16 Tensor and then reads its length as 0
 * (onnxruntime PR 32323); a plain object goes through unchanged.
 */
function halfTensor(value: Tensor): OrtValue {
  const plain: unknown = { type: 'float16', dims: value.dims, location: 'cpu', data: float32ToFloat16(value.data) };
  return plain as OrtValue;
}

/** @throws StopbathError `MODEL_UNSUPPORTED` for outputs that are no numbers of a kind we know. */
export function fromOrt(value: OrtValue): Tensor {
  const dims = [...value.dims];
  const data: unknown = value.data;
  if (value.type === 'float16' && ArrayBuffer.isView(data)) {
    // Uint16Array, or Float16Array where the runtime has one: the same bits.
    return { dims, data: float16ToFloat32(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)) };
  }
  if (data instanceof Float32Array) {
    // A view of a larger buffer would be sent to other processes with all of it.
    return { dims, data: data.byteLength === data.buffer.byteLength ? data : data.slice() };
  }
  if (data instanceof Float64Array || data instanceof Int32Array) return { dims, data: Float32Array.from(data) };
  if (data instanceof BigInt64Array) return { dims, data: Float32Array.from(data, Number) };
  throw new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `The model gives ${value.type} values of ${describeDims(dims)}.`,
  });
}
