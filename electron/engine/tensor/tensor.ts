import type { PlainTensor } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';

/** A dense float32 tensor, row by row, first dimension = batch. Treated as immutable: operations return new ones. */
export type Tensor = PlainTensor;

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, side) => product * side, 1);
}

/**
 * A tensor whose sides are known to fit its data.
 * @throws StopbathError `INTERNAL` when they do not.
 */
export function tensor(dims: readonly number[], data: Float32Array): Tensor {
  if (elementCount(dims) !== data.length) {
    throw new StopbathError({ code: 'INTERNAL', message: `${data.length} values do not fill ${describeDims(dims)}.` });
  }
  return { dims, data };
}

export function zeros(dims: readonly number[]): Tensor {
  return { dims, data: new Float32Array(elementCount(dims)) };
}

export function describeDims(dims: readonly (number | string)[]): string {
  return `[${dims.join(', ')}]`;
}

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, index) => side === b[index]);
}

/** @throws StopbathError `INTERNAL` when the sides differ. */
export function requireSameDims(a: Tensor, b: Tensor): void {
  if (sameDims(a.dims, b.dims)) return;
  throw new StopbathError({
    code: 'INTERNAL',
    message: `Tensors of ${describeDims(a.dims)} and ${describeDims(b.dims)} do not fit together.`,
  });
}

/** `f` of every value, rounded to float32. */
export function mapTensor(a: Tensor, f: (value: number) => number): Tensor {
  const values = a.data;
  const out = new Float32Array(values.length);
  for (let index = 0; index < out.length; index++) out[index] = f(values[index] ?? 0);
  return { dims: a.dims, data: out };
}

/** `f` of every pair of values, rounded to float32. */
export function zipTensors(a: Tensor, b: Tensor, f: (x: number, y: number) => number): Tensor {
  requireSameDims(a, b);
  const [values, others] = [a.data, b.data];
  const out = new Float32Array(values.length);
  for (let index = 0; index < out.length; index++) out[index] = f(values[index] ?? 0, others[index] ?? 0);
  return { dims: a.dims, data: out };
}

/** Batches one after the other along the first dimension; all other sides must agree. */
export function concatRows(parts: readonly Tensor[]): Tensor {
  const first = parts[0];
  if (first === undefined) throw new StopbathError({ code: 'INTERNAL', message: 'There is nothing to put together.' });
  const rest = first.dims.slice(1);
  let rows = 0;
  for (const part of parts) {
    if (!sameDims(part.dims.slice(1), rest)) requireSameDims(first, part);
    rows += part.dims[0] ?? 0;
  }
  const data = new Float32Array(rows * elementCount(rest));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  return { dims: [rows, ...rest], data };
}

/** Rows `from` up to, not including, `to`, copied. */
export function sliceRows(a: Tensor, from: number, to: number): Tensor {
  const rest = a.dims.slice(1);
  const size = elementCount(rest);
  return tensor([to - from, ...rest], a.data.slice(from * size, to * size));
}

/** The whole batch `count` times. */
export function repeatRows(a: Tensor, count: number): Tensor {
  return count === 1 ? a : concatRows(Array.from({ length: count }, () => a));
}

/** Whether all values are finite. A single pass: NaN and infinities survive a sum of `x * 0`. */
export function isFiniteTensor(a: Tensor): boolean {
  const values = a.data;
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += (values[index] ?? 0) * 0;
  return sum === 0;
}

/**
 * A tensor that came through a process border or a file.
 * Takes typed arrays, and the arrays or index objects JSON makes of them.
 * @throws StopbathError `INVALID_INPUT` when it is none.
 */
export function tensorFromPlain(value: unknown): Tensor {
  if (typeof value === 'object' && value !== null && 'dims' in value && 'data' in value && Array.isArray(value.dims)) {
    const dims = value.dims.map(Number);
    const raw = value.data;
    if (raw instanceof Float32Array) return tensor(dims, raw);
    if (typeof raw === 'object' && raw !== null) {
      return tensor(dims, Float32Array.from(Object.values(raw) as unknown[], Number));
    }
  }
  throw new StopbathError({ code: 'INVALID_INPUT', message: 'The saved state holds no readable tensor.' });
}
