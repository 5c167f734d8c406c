import type { Condition, ModelExtras, NoiseModel } from '../guidance/condition.ts';
import type { TwoBranchModel } from '../guidance/twoBranches.ts';
import { isOutOfMemory } from '../pipelines/residency.ts';
import { concatRows, sliceRows, type Tensor } from '../tensor/tensor.ts';

/**
 * The model in smaller calls where a large one has no memory: half the rows each, down to one. What was too much once is not tried again at
 * that size.
 * @param warn told once a size
 */
export function fittingModel(model: NoiseModel, warn: (text: string) => void): NoiseModel {
  const fitting = fittingCalls(warn);
  return (sample, timestep, condition, extras) =>
    fitting(sample.dims, (rows) => model(rows(sample), timestep, conditionRows(condition, rows), extrasRows(extras, rows)), joined);
}

/** The same of a model in two branches. */
export function fittingBranches({ whole, shallow }: TwoBranchModel, warn: (text: string) => void): TwoBranchModel {
  const [fittingWhole, fittingShallow] = [fittingCalls(warn), fittingCalls(warn)];
  return {
    whole: (sample, timestep, condition, extras) =>
      fittingWhole(
        sample.dims,
        (rows) => whole(rows(sample), timestep, conditionRows(condition, rows), extrasRows(extras, rows)),
        (a, b) => ({ output: joined(a.output, b.output), features: joined(a.features, b.features) }),
      ),
    shallow: (features, sample, timestep, condition, extras) =>
      fittingShallow(
        sample.dims,
        (rows) => shallow(rows(features), rows(sample), timestep, conditionRows(condition, rows), extrasRows(extras, rows)),
        joined,
      ),
  };
}

/** The rows of a tensor a call is made for. */
type Rows = (value: Tensor) => Tensor;

/** @param join what two calls gave, the rows of the second behind those of the first */
type Fitting = <Result>(dims: readonly number[], call: (rows: Rows) => Promise<Result>, join: (a: Result, b: Result) => Result) => Promise<Result>;

function fittingCalls(warn: (text: string) => void): Fitting {
  /** Most rows that may fit, by the sides of a row. */
  const most = new Map<string, number>();
  return (dims, call, join) => {
    const [all = 1, ...sides] = dims;
    const key = sides.join('x');
    const made = async (from: number, to: number): ReturnType<typeof call> => {
      const rows = to - from;
      if (rows <= (most.get(key) ?? Infinity)) {
        try {
          return await call((value) => (rows === all ? value : sliceRows(value, from, to)));
        } catch (error) {
          if (!isOutOfMemory(error) || rows === 1) throw error;
          most.set(key, Math.ceil(rows / 2));
          warn(`${rows} rows at once are too much for the memory: from now on ${Math.ceil(rows / 2)}.`);
        }
      }
      const middle = from + Math.min(Math.ceil(rows / 2), most.get(key) ?? rows);
      return join(await made(from, middle), await made(middle, to));
    };
    return made(0, all);
  };
}

function joined(a: Tensor, b: Tensor): Tensor {
  return concatRows([a, b]);
}

function conditionRows({ promptEmbeds, pooled, timeIds }: Condition, rows: Rows): Condition {
  return { promptEmbeds: rows(promptEmbeds), pooled: orNull(pooled, rows), timeIds: orNull(timeIds, rows) };
}

function extrasRows({ mask, maskedImageLatents, timestepCond }: ModelExtras, rows: Rows): ModelExtras {
  return { mask: orNull(mask, rows), maskedImageLatents: orNull(maskedImageLatents, rows), timestepCond: orNull(timestepCond, rows) };
}

function orNull(value: Tensor | null, rows: Rows): Tensor | null {
  return value === null ? null : rows(value);
}
