import { repeatRows, sliceRows, type Tensor } from '../tensor/tensor.ts';
import { concatConditions, type Condition, doubleExtras, type ModelExtras, type NoiseModel } from './condition.ts';

/** Whether the two halves of guidance run as one call of 2B rows or as two of B. */
export type GuidedCalls = 'one-batch' | 'two-singles';

export interface GuidedInput {
  readonly sample: Tensor;
  readonly timestep: number;
  readonly conditional: Condition;
  /** null: an unguided step. */
  readonly unconditional: Condition | null;
  readonly extras: ModelExtras;
}

export interface GuidedOutput {
  readonly conditional: Tensor;
  readonly unconditional: Tensor | null;
  /** Rows of the widest call. */
  readonly unetBatch: number;
}

/**
 * The model's answer with and without the prompt.
 * @param mayCall asked before every call; when it says no, nothing more is called
 * @returns null when it was refused a call
 */
export async function predictGuided(
  model: NoiseModel,
  input: GuidedInput,
  calls: GuidedCalls,
  mayCall: () => Promise<boolean>,
): Promise<GuidedOutput | null> {
  const { sample, timestep, conditional, unconditional, extras } = input;
  const rows = sample.dims[0] ?? 1;
  if (!(await mayCall())) return null;
  if (unconditional === null) {
    return { conditional: await model(sample, timestep, conditional, extras), unconditional: null, unetBatch: rows };
  }
  if (calls === 'one-batch') {
    const both = await model(repeatRows(sample, 2), timestep, concatConditions(unconditional, conditional), doubleExtras(extras));
    return {
      conditional: sliceRows(both, rows, 2 * rows),
      unconditional: sliceRows(both, 0, rows),
      unetBatch: 2 * rows,
    };
  }
  const first = await model(sample, timestep, unconditional, extras);
  if (!(await mayCall())) return null;
  return { conditional: await model(sample, timestep, conditional, extras), unconditional: first, unetBatch: rows };
}

/** Of 256 x 256 pixels. Measured on two cores: up to here one call of twice the rows takes a fifth less time than two. */
const smallLatents = 1024;

/** Two singles where latents are large: they cost the same, need half the memory and can be stopped between the halves. */
export function guidedCallsOnCpu(sample: Pick<Tensor, 'dims'>): GuidedCalls {
  const [rows = 1, , height = 1, width = 1] = sample.dims;
  return rows * height * width <= smallLatents ? 'one-batch' : 'two-singles';
}

/**
 * Which way is cheaper here: best of two warm rounds each. Rows may come out a rounding apart, so the answer must be kept
 * per model and device, and is not asked for on the CPU ({@link guidedCallsOnCpu}). Two singles can be stopped between the halves, so
 * slow models are not measured to the end.
 * @param mayCall as for {@link predictGuided}
 * @returns null when it was refused a call
 */
export async function measureGuidedCalls(
  model: NoiseModel,
  input: GuidedInput,
  mayCall: () => Promise<boolean>,
): Promise<GuidedCalls | null> {
  const best: Record<GuidedCalls, number> = { 'two-singles': Infinity, 'one-batch': Infinity };
  for (let round = 0; round < 3; round++) {
    for (const calls of ['two-singles', 'one-batch'] as const) {
      const begun = performance.now();
      if ((await predictGuided(model, input, calls, mayCall)) === null) return null;
      // The first round compiles kernels.
      if (round > 0) best[calls] = Math.min(best[calls], performance.now() - begun);
    }
    if (best['two-singles'] > slowPairMs && round > 0) return 'two-singles';
  }
  return best['one-batch'] < 0.95 * best['two-singles'] ? 'one-batch' : 'two-singles';
}

const slowPairMs = 1_000;
