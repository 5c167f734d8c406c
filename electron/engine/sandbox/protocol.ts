import type { StepEnd, TensorInputName } from '../callbacks/callback.ts';

export const problemKinds = [
  /** It cannot be read. */
  'syntax',
  /** It holds no callback, or asks for a tensor that does not exist. */
  'source',
  'threw',
  'time',
  'memory',
  'stack',
  'bad-return',
  /** It did not even let itself be interrupted; its thread was ended. */
  'hung',
  /** Its thread came to an end by itself. */
  'crashed',
] as const;
export type ProblemKind = (typeof problemKinds)[number];

/** Why a callback is of no use. `line` and `column` count from 1 in the user's own text; null where there is no one place. */
export interface SourceProblem {
  readonly kind: ProblemKind;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
}

/** The numbers of a step that a callback is told: all of {@link StepEnd} that is the same on every machine. */
export interface StepFacts extends Omit<StepEnd, 'ms' | 'latents' | 'cleanEstimate'> {
  /** What the next step would be guided with as earlier callbacks have left it; null where the caller does not say. */
  readonly nextGuidanceScale: number | null;
}

/** Where a tensor's values are: `buffer` is an index into the buffers sent along. */
export interface TensorSlot {
  readonly dims: readonly number[];
  readonly buffer: number;
}

export interface NamedSlot extends TensorSlot {
  readonly name: TensorInputName;
}

export interface LoadRequest {
  readonly kind: 'load';
  readonly source: string;
  readonly seed: string;
}

export interface StepRequest {
  readonly kind: 'step';
  readonly facts: StepFacts;
  readonly latents: TensorSlot;
  readonly cleanEstimate: TensorSlot;
  readonly tensors: readonly NamedSlot[];
  /** float32 values; written by the one side before it asks, read by the other before it answers. */
  readonly buffers: readonly SharedArrayBuffer[];
  /** `run.state` as JSON. */
  readonly state: string;
}

export type SandboxRequest = LoadRequest | StepRequest;

/** A tensor given back; its sides are those it was sent with. */
export interface ReturnedTensor {
  readonly name: TensorInputName;
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface StepAnswer {
  readonly kind: 'stepped';
  readonly interrupt: boolean;
  readonly guidanceScale: number | null;
  readonly guidanceRescale: number | null;
  readonly tensors: readonly ReturnedTensor[];
  readonly state: string;
  readonly logs: readonly string[];
}

export interface LoadAnswer {
  readonly kind: 'loaded';
  readonly tensorInputs: readonly TensorInputName[];
  readonly logs: readonly string[];
}

export interface ProblemAnswer {
  readonly kind: 'problem';
  readonly problem: SourceProblem;
  readonly logs: readonly string[];
}

export type SandboxAnswer = LoadAnswer | StepAnswer | ProblemAnswer;
/** `ready`: the interpreter stands and requests are answered. */
export type SandboxMessage = { readonly kind: 'ready' } | SandboxAnswer;
