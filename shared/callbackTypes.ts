/** Types of a callback's surroundings, as a text for an editor's completions (`callback.d.ts`). */
export const callbackTypes = `/** A float32 tensor, row by row, first dimension = batch. A copy: give it back for a change to count. */
interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

type TensorName =
  | 'latents' | 'prompt_embeds' | 'negative_prompt_embeds'
  | 'add_text_embeds' | 'negative_add_text_embeds' | 'add_time_ids' | 'negative_add_time_ids'
  | 'mask' | 'masked_image_latents' | 'w_embedding';

type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** The step that has just been done. */
interface Run {
  /** 0-based */
  readonly stepIndex: number;
  /** Steps of the run. */
  readonly numTimesteps: number;
  readonly timestep: number;
  /** Noise level of this step. */
  readonly sigma: number;
  /** Noise level of the step to come; null after the last one. */
  readonly nextSigma: number | null;
  /** Scale this step was guided with; 1: not guided. */
  readonly guidanceScale: number;
  readonly guided: boolean;
  /** Scale the next step would be guided with, as the plan and earlier callbacks have left it. */
  readonly nextGuidanceScale: number | null;
  /** Whole model calls of the step for each picture. */
  readonly unetEvaluations: number;
  /** Rows of the widest model call. */
  readonly unetBatch: number;
  /** Relative RMS change of the clean estimate against the step before; null at the first. */
  readonly estimateChange: number | null;
  /** |c - u| / |u| of the two predictions; null when there were not two. */
  readonly guidanceDistance: number | null;
  /** Cosine similarity of the two predictions; null when there were not two. */
  readonly guidanceCosine: number | null;
  /** What was taken from an earlier step instead of a model call. */
  readonly reused: 'none' | 'unconditional' | 'step' | 'features';
  /** [B, C, h, w] after the scheduler step. */
  readonly latents: Tensor;
  /** x0: what the model takes the finished picture to be at this step; latent space, as latents. */
  readonly cleanEstimate: Tensor;
  /** Yours; begins as {}. Plain values only. Unlike variables of your own it outlives a pause, a crash and a fork. */
  state: any;
}

interface Patch {
  /** No further step runs. */
  interrupt?: boolean;
  /** From 0 to 30; 1 or below switches guidance off, above 1 on. */
  guidanceScale?: number;
  /** From 0 to 1: how far the guided prediction is scaled back to the spread of the conditional one. */
  guidanceRescale?: number;
  /** Of the tensors asked for; sides may not change, values must be finite. */
  tensors?: { [Name in TensorName]?: Tensor };
}

/** Asked at the end of every step, the last one too. What it returns counts from the next step on. */
type CallbackOnStepEnd = (
  run: Run,
  stepIndex: number,
  timestep: number,
  tensors: { readonly [Name in TensorName]?: Tensor },
) => Patch | null | undefined | void | Promise<Patch | null | undefined | void>;

declare const console: Record<'log' | 'info' | 'debug' | 'warn' | 'error', (...values: unknown[]) => void>;
`;
