import { open, writeFile } from 'node:fs/promises';
import { float32ToFloat16 } from '../../electron/engine/tensor/float16.ts';
import { formulaValues } from './formula.ts';

/** A tensor of a file to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** Left out: by formula, from `seedName` or the name. */
  readonly bytes?: Uint8Array;
  readonly seedName?: string;
}

function bytesOf({ name, type, shape, bytes, seedName }: TensorToWrite): Uint8Array {
  if (bytes !== undefined) return bytes;
  const values = formulaValues(seedName ?? name, shape);
  switch (type) {
    case 'F32':
      return new Uint8Array(values.buffer);
    case 'F16':
      return new Uint8Array(float32ToFloat16(values).buffer);
    case 'BF16':
      // Exact: the formula's numbers have eight significant bits.
      return new Uint8Array(Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16).buffer);
    case 'I64':
      return new Uint8Array(BigInt64Array.from({ length: values.length }, (_, index) => BigInt(index)).buffer);
    default:
      throw new Error(`No values of ${type}.`);
  }
}

/** A file of this header and these bytes; the header need not be right. */
export function safetensorsBytes(header: string | Buffer, data: Uint8Array): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** A whole, valid file. */
export function safetensorsFile(tensors: readonly TensorToWrite[], metadata?: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    header[tensor.name] = { dtype: tensor.type, shape: tensor.shape, data_offsets: [at, at + bytes.length] };
    chunks.push(bytes);
    at += bytes.length;
  }
  return safetensorsBytes(JSON.stringify(header), Buffer.concat(chunks));
}

export async function writeSafetensors(path: string, tensors: readonly TensorToWrite[], metadata?: Readonly<Record<string, string>>): Promise<void> {
  await writeFile(path, safetensorsFile(tensors, metadata));
}

const bits: Readonly<Record<string, number>> = { F64: 64, I64: 64, F32: 32, F16: 16, BF16: 16 };

/** A file whose header is whole and whose data are zeros that take no room on the disk. @returns its path */
export async function writeSparse(file: string, tensors: readonly Pick<TensorToWrite, 'name' | 'type' | 'shape'>[]): Promise<string> {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const { name, type, shape } of tensors) {
    const length = (shape.reduce((product, side) => product * side, 1) * (bits[type] ?? 8)) / 8;
    header[name] = { dtype: type, shape, data_offsets: [at, at + length] };
    at += length;
  }
  const bytes = safetensorsBytes(JSON.stringify(header), Buffer.alloc(0));
  const handle = await open(file, 'w');
  await handle.write(bytes);
  await handle.truncate(bytes.length + at);
  await handle.close();
  return file;
}
