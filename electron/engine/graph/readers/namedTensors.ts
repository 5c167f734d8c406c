import { StopbathError } from '../../../../shared/errors.ts';
import type { WeightRef, Weights } from '../weights.ts';
import { type ElementType, isWeightType } from './elementType.ts';
import { broken, quoted } from './refusal.ts';
import type { SafetensorsFile } from './safetensors.ts';

/** A tensor of a part, and where it lies. */
export interface NamedTensor {
  readonly file: SafetensorsFile;
  /** What the file calls it. */
  readonly storedAs: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Bytes from the beginning of the file. */
  readonly offset: number;
  readonly length: number;
  /** See `WeightRef`. */
  readonly transposed?: boolean;
}

/** Tensors of one part of a model by name: first the file's names, after its layout was read those of diffusers or transformers. */
export type NamedTensors = ReadonlyMap<string, NamedTensor>;

/** All tensors of a file. */
export function tensorsOf(file: SafetensorsFile): NamedTensors {
  return new Map([...file.tensors].map(([name, { type, shape, offset, length }]) => [name, { file, storedAs: name, type, dims: shape, offset, length }]));
}

/** Those whose names begin so, without that beginning. */
export function under(tensors: NamedTensors, prefix: string): NamedTensors {
  return new Map([...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

export function hasUnder(tensors: NamedTensors, prefix: string): boolean {
  for (const name of tensors.keys()) if (name.startsWith(prefix)) return true;
  return false;
}

/** The same tensors under other names. @param rename null: the tensor is none of the part's and is left out */
export function renamed(tensors: NamedTensors, rename: (name: string) => string | null): Map<string, NamedTensor> {
  const result = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    const other = rename(name);
    if (other !== null) result.set(other, tensor);
  }
  return result;
}

/** A tensor of a matrix's rows, the `index`-th of `count` equal ranges: [count * rows, ...] gives [rows, ...]. */
export function rowsOf(tensor: NamedTensor, index: number, count: number): NamedTensor {
  const [rows = 0, ...rest] = tensor.dims;
  if (rows % count !== 0) {
    throw broken(`Tensor ${quoted(tensor.storedAs)} has ${rows} rows, which are not ${count} times as many.`);
  }
  const length = tensor.length / count;
  return { ...tensor, dims: [rows / count, ...rest], offset: tensor.offset + index * length, length };
}

/** A convolution of one pixel as the matrix it is: [out, in, 1, 1] and [out, in, 1] become [out, in]. */
export function asMatrix(tensor: NamedTensor): NamedTensor {
  const [rows, columns, ...rest] = tensor.dims;
  const isPixel = rows !== undefined && columns !== undefined && rest.every((side) => side === 1);
  return isPixel ? { ...tensor, dims: [rows, columns] } : tensor;
}

/** The tensors as the graph reads them. @param linkName of a file, beside the graph */
export function weightsOf(part: string, tensors: NamedTensors, linkName: (file: SafetensorsFile) => string): Weights {
  return {
    has: (name) => tensors.has(name),
    names: () => tensors.keys(),
    get(name): WeightRef {
      const tensor = tensors.get(name);
      if (tensor === undefined || !isWeightType(tensor.type)) {
        throw new StopbathError({ code: 'MODEL_BAD', message: `The ${part} has no weight ${quoted(name)}.` });
      }
      const { type, dims, offset, length, transposed } = tensor;
      return { file: linkName(tensor.file), offset, length, type, dims, ...(transposed === undefined ? {} : { transposed }) };
    },
  };
}
