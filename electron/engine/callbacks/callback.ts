import { StopbathError } from '../../../shared/errors.ts';
import type { StepRecord } from '../../../shared/job.ts';
import type { Course } from '../schedulers/course.ts';
import { describeDims, sameDims, type Tensor } from '../tensor/tensor.ts';

/**
 * Tensors a callback may ask for and give back: diffusers' `_callback_tensor_inputs` of all six pipelines, a `negative_`
 * twin for what diffusers stacks as [negative, positive], and the LCM pipelines' `w_embedding`.
 */
export const tensorInputNames = [
  'latents',
  'prompt_embeds',
  'negative_prompt_embeds',
  'add_text_embeds',
  'negative_add_text_embeds',
  'add_time_ids',
  'negative_add_time_ids',
  'mask',
  'masked_image_latents',
  'w_embedding',
] as const;
export type TensorInputName = (typeof tensorInputNames)[number];
export type StepTensors = { readonly [Name in TensorInputName]?: Tensor };

/** Facts of a finished step; read-only. */
export interface StepEnd extends StepRecord {
  /** Noise level of the step to come, in sigma units as `sigma`; null after the last one. */
  readonly nextSigma: number | null;
  /** Rows of the widest model call of the step. */
  readonly unetBatch: number;
  /** [B, C, h, w] after the scheduler step. */
  readonly latents: Tensor;
  /** x0 as estimated at this step, same sides, model scale. */
  readonly cleanEstimate: Tensor;
}

/** The numbers of a step without its tensors: what is sent and kept. */
export function recordOf(end: StepEnd): StepRecord {
  const { stepIndex, numTimesteps, timestep, sigma, guidanceScale, guided, unetEvaluations, ms } = end;
  const { estimateChange, guidanceDistance, guidanceCosine, reused } = end;
  const measured = { estimateChange, guidanceDistance, guidanceCosine, reused };
  return { stepIndex, numTimesteps, timestep, sigma, guidanceScale, guided, unetEvaluations, ms, ...measured };
}

/** What a callback may change; the loop alone applies it, from the next step on. */
export interface StepPatch {
  /** No further step runs. Sticky: no later callback can take it back. */
  readonly interrupt?: boolean;
  /** 1 or below switches guidance off, above 1 on. */
  readonly guidanceScale?: number;
  /** phi of `rescaleGuidance`. */
  readonly guidanceRescale?: number;
  /** Only names the callback asked for; sides may not change. */
  readonly tensors?: StepTensors;
  /** A new plan for the steps that are left; the latents that come with it are at its first level. */
  readonly course?: Course;
}

/** What the next step is going to be, as earlier callbacks have left it. */
export interface NextStep {
  readonly guidanceScale: number;
  readonly guidanceRescale: number;
  readonly course: Course;
}

export type StepPatchResult = StepPatch | undefined;

/**
 * diffusers' `callback_on_step_end(pipe, i, t, callback_kwargs)`: called after the scheduler step of every step, the last
 * one too; what it returns for `latents` there still reaches the decoder.
 * `tensors` holds the names asked for, as earlier callbacks left them. Unlike diffusers, `prompt_embeds` is never
 * [negative, positive] in one: the halves stay apart, so no change of guidance has to cut tensors.
 * @param stepIndex 0-based
 * @param timestep of the step just done
 * @param next given by the loop; whoever calls one callback by hand may leave it out
 */
export type CallbackOnStepEnd = (
  run: StepEnd,
  stepIndex: number,
  timestep: number,
  tensors: StepTensors,
  next?: NextStep,
) => StepPatchResult | Promise<StepPatchResult>;

export interface StepCallback {
  /** For error messages. */
  readonly name: string;
  readonly callbackOnStepEnd: CallbackOnStepEnd;
  readonly callbackOnStepEndTensorInputs?: readonly string[];
  /** Its embeddings may have another number of tokens; both sides of guidance the same one. */
  readonly mayChangeTokens?: boolean;
}

/** All callbacks as one: in list order, later ones win, an interrupt stays. `tensors` in the result holds every change. */
export type ComposedCallback = (run: StepEnd, tensors: StepTensors, next: NextStep) => Promise<StepPatch>;

/**
 * @param offered the names this run has
 * @throws StopbathError `INVALID_INPUT` for a tensor name that is not offered, before anything runs. The composed callback
 * throws `CALLBACK` when a member throws or returns what it may not.
 */
export function composeCallbacks(callbacks: readonly StepCallback[], offered: readonly TensorInputName[]): ComposedCallback {
  const members = callbacks.map((callback) => ({ callback, names: checkedNames(callback, offered) }));
  return async (run, tensors, next) => {
    let patch: StepPatch = {};
    for (const { callback, names } of members) {
      const current = { ...tensors, ...patch.tensors };
      const asked = Object.fromEntries(names.map((name) => [name, current[name]]));
      patch = mergePatch(patch, await call(callback, run, asked, nextStep(next, patch)), callback, names, current);
    }
    return patch;
  };
}

/** What the next step becomes by a patch. */
export function nextStep(next: NextStep, patch: StepPatch): NextStep {
  return {
    guidanceScale: patch.guidanceScale ?? next.guidanceScale,
    guidanceRescale: patch.guidanceRescale ?? next.guidanceRescale,
    course: patch.course ?? next.course,
  };
}

function checkedNames(callback: StepCallback, offered: readonly TensorInputName[]): readonly TensorInputName[] {
  const asked = callback.callbackOnStepEndTensorInputs ?? ['latents'];
  const known = offered.filter((name) => asked.includes(name));
  const unknown = asked.filter((name) => !offered.some((candidate) => candidate === name));
  if (unknown.length === 0) return known;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'callbackOnStepEndTensorInputs',
    message: `Callback "${callback.name}" asks for ${unknown.join(', ')}; this run has ${offered.join(', ')}.`,
  });
}

async function call(callback: StepCallback, run: StepEnd, tensors: StepTensors, next: NextStep): Promise<StepPatchResult> {
  try {
    return await callback.callbackOnStepEnd(run, run.stepIndex, run.timestep, tensors, next);
  } catch (error) {
    if (error instanceof StopbathError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new StopbathError(
      { code: 'CALLBACK', message: `Callback "${callback.name}" failed after step ${run.stepIndex + 1}: ${message}` },
      { cause: error },
    );
  }
}

function mergePatch(
  before: StepPatch,
  patch: StepPatchResult,
  callback: StepCallback,
  names: readonly TensorInputName[],
  current: StepTensors,
): StepPatch {
  if (patch === undefined) return before;
  for (const [name, value] of Object.entries(patch.tensors ?? {})) {
    const asked = names.find((candidate) => candidate === name);
    if (asked === undefined) refuse(callback, `returned ${name}, which it did not ask for`);
    const now = current[asked];
    const mayDiffer = callback.mayChangeTokens === true && tokenTensors.has(asked);
    if (now !== undefined && !sameDims(mayDiffer ? withoutTokens(value) : value.dims, mayDiffer ? withoutTokens(now) : now.dims)) {
      refuse(callback, `returned ${name} of ${describeDims(value.dims)} for ${describeDims(now.dims)}`);
    }
  }
  return {
    ...before,
    ...(patch.guidanceScale === undefined ? {} : { guidanceScale: patch.guidanceScale }),
    ...(patch.guidanceRescale === undefined ? {} : { guidanceRescale: patch.guidanceRescale }),
    ...(patch.course === undefined ? {} : { course: patch.course }),
    ...(patch.tensors === undefined ? {} : { tensors: { ...before.tensors, ...patch.tensors } }),
    ...(before.interrupt === true || patch.interrupt === true ? { interrupt: true } : {}),
  };
}

/** [B, tokens, width]; the pooled ones have no tokens. */
const tokenTensors: ReadonlySet<TensorInputName> = new Set(['prompt_embeds', 'negative_prompt_embeds']);

function withoutTokens({ dims }: Tensor): readonly number[] {
  return dims.filter((_, axis) => axis !== 1);
}

function refuse(callback: StepCallback, what: string): never {
  throw new StopbathError({ code: 'CALLBACK', message: `Callback "${callback.name}" ${what}.` });
}
