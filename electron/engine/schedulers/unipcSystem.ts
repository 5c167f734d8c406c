import type { SchedulerConfig } from './config.ts';
import { expm1_32 } from './float32.ts';
import type { LambdaLevel } from './lambdaSpace.ts';

const { fround } = Math;

/** Coefficients of a UniPC step between two levels, float32 in diffusers' order of operations. */
export interface BhSystem {
  /** Of the sample, of the newest output, and of the sum of weighted differences. */
  readonly keep: number;
  readonly gain: number;
  readonly slopeGain: number;
  /** How far the older levels and the new one lie from the present, in units of h: the last is 1. */
  readonly distances: readonly number[];
  /** Conditions (rows) on the weights of the differences. */
  readonly matrix: readonly (readonly number[])[];
  readonly right: readonly number[];
}

/** @param older levels before `from`, newest first */
export function bhSystem(to: LambdaLevel, from: LambdaLevel, older: readonly LambdaLevel[], config: SchedulerConfig): BhSystem {
  const h = fround(to.lambda - from.lambda);
  const distances = [...older.map((level) => fround(fround(level.lambda - from.lambda) / h)), 1];
  const hh = config.predictX0 ? -h : h;
  const phi1 = expm1_32(hh);
  const scale = config.solverType === 'bh1' ? hh : phi1;
  const matrix: number[][] = [];
  const right: number[] = [];
  let phi = fround(fround(phi1 / hh) - 1);
  let factorial = 1;
  for (let row = 1; row <= distances.length; row++) {
    matrix.push(distances.map((distance) => power(distance, row - 1)));
    right.push(fround(fround(phi * factorial) / scale));
    factorial *= row + 1;
    phi = fround(fround(phi / hh) - fround(1 / factorial));
  }
  const outer = config.predictX0 ? to.alpha : to.sigma;
  return {
    keep: config.predictX0 ? fround(to.sigma / from.sigma) : fround(to.alpha / from.alpha),
    gain: -fround(outer * phi1),
    slopeGain: -fround(outer * scale),
    distances,
    matrix,
    right,
  };
}

function power(value: number, exponent: number): number {
  return exponent === 0 ? 1 : exponent === 1 ? value : fround(value * value);
}

/** The solution of a small linear system, by elimination with partial pivoting in float32 (LAPACK's gesv). */
export function solved(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, at) => [...row, right[at] ?? 0]);
  const size = rows.length;
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) if (Math.abs(cell(row, column)) > Math.abs(cell(pivot, column))) pivot = row;
    const [upper, lower] = [rows[pivot] ?? [], rows[column] ?? []];
    rows[column] = upper;
    rows[pivot] = lower;
    for (let row = column + 1; row < size; row++) {
      const factor = fround(cell(row, column) / cell(column, column));
      rows[row] = (rows[row] ?? []).map((value, at) => (at < column ? value : fround(value - fround(factor * cell(column, at)))));
    }
  }
  const out = new Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row--) {
    let rest = cell(row, size);
    for (let column = row + 1; column < size; column++) rest = fround(rest - fround(cell(row, column) * (out[column] ?? 0)));
    out[row] = fround(rest / cell(row, row));
  }
  return out;
}
