import type { Condition, ModelExtras, NoiseModel } from '../guidance/condition.ts';
import { isOutOfMemory } from '../pipelines/residency.ts';
import { concatRows, sliceRows, type Tensor } from '../tensor/tensor.ts';

/**
 * The model in smaller calls where a large one has no memory: half the rows each, down to one. What was too much once is not tried again at
 * that size.
 * @param warn told once a size
 */
export function fittingModel(model: NoiseModel, warn: (text: string) => void): NoiseModel {
  /** Most rows that may fit, by the sides of a row. */
  const most = new Map<string, number>();
  const call: NoiseModel = async (sample, timestep, condition, extras) => {
    const [rows = 1, ...sides] = sample.dims;
    const key = sides.join('x');
    const limit = most.get(key) ?? Infinity;
    if (rows <= limit) {
      try {
        return await model(sample, timestep, condition, extras);
      } catch (error) {
        if (!isOutOfMemory(error) || rows === 1) throw error;
        most.set(key, Math.ceil(rows / 2));
        warn(`${rows} rows at once are too much for the memory: from now on ${Math.ceil(rows / 2)}.`);
      }
    }
    const count = Math.min(Math.ceil(rows / 2), most.get(key) ?? rows);
    const results: Tensor[] = [];
    for (let from = 0; from < rows; from += count) {
      const to = Math.min(from + count, rows);
      results.push(await call(sliceRows(sample, from, to), timestep, conditionRows(condition, from, to), extrasRows(extras, from, to)));
    }
    return concatRows(results);
  };
  return call;
}

function rowsOf(value: Tensor | null, from: number, to: number): Tensor | null {
  return value === null ? null : sliceRows(value, from, to);
}

function conditionRows({ promptEmbeds, pooled, timeIds }: Condition, from: number, to: number): Condition {
  return { promptEmbeds: sliceRows(promptEmbeds, from, to), pooled: rowsOf(pooled, from, to), timeIds: rowsOf(timeIds, from, to) };
}

function extrasRows({ mask, maskedImageLatents, timestepCond }: ModelExtras, from: number, to: number): ModelExtras {
  return { mask: rowsOf(mask, from, to), maskedImageLatents: rowsOf(maskedImageLatents, from, to), timestepCond: rowsOf(timestepCond, from, to) };
}
