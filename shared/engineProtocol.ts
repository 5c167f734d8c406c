import type { CallOutput, EngineStatus, Settings } from './contract.ts';
import type { Failure } from './errors.ts';
import type { GenerationRequest, ProviderChoice, ProviderId, SteeringEntry } from './generation.ts';
import type { Breakpoint, CallbackProblem, PauseReason, Region, RunTrace, Steering, StepRecord, TokenCount } from './job.ts';

/** A float tensor as plain data; survives structured clone and `serialization: 'advanced'`. */
export interface PlainTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Everything needed to go on bit-exactly after a step, and to decode its clean estimate. Plain data. */
export interface Checkpoint {
  readonly version: 3;
  readonly request: GenerationRequest;
  /** Identifies the weights: resuming on others is refused. */
  readonly modelHash: string;
  /** Steps finished, 1..T. */
  readonly stepsDone: number;
  readonly numTimesteps: number;
  /** After the scheduler step (and after callbacks). */
  readonly latents: PlainTensor;
  /** The clean estimate x0 of the last finished step, in the model's latent scale. */
  readonly cleanEstimate: PlainTensor;
  /** The stepper's own state: exact, opaque to everyone else. */
  readonly stepper: unknown;
  /** The noise source's own state, opaque. */
  readonly generator: unknown;
  /** What the loop holds beside the latents and cannot work out again from the request, by name. */
  readonly tensors: Readonly<Record<string, PlainTensor>>;
  /** What was steered in this run beyond `request.steering`, up to this step. */
  readonly log: readonly SteeringEntry[];
  readonly steps: readonly StepRecord[];
}

/** The pictures a request names, as they were put in; the engine brings them to the size it needs. */
export interface RunInputs {
  readonly image: RgbImage;
  readonly mask: GreyImage | null;
}

/** Main side -> engine process. */
export type EngineCommand =
  | {
      readonly kind: 'generate';
      readonly jobId: string;
      readonly request: GenerationRequest;
      /** null for text-to-image. */
      readonly inputs: RunInputs | null;
      readonly modelFolder: string;
      readonly provider: ProviderChoice;
      readonly previewMode: Settings['previewMode'];
      readonly paceMs: number;
      /** Go on after this checkpoint instead of from noise. */
      readonly from?: Checkpoint;
    }
  | { readonly kind: 'stop'; readonly jobId: string }
  /** Waits after the step in progress; `resume` goes on, for one step or to the next breakpoint. */
  | { readonly kind: 'pause'; readonly jobId: string }
  | { readonly kind: 'resume'; readonly jobId: string; readonly steps: 'all' | 1 }
  | { readonly kind: 'breakpoints'; readonly jobId: string; readonly breakpoints: readonly Breakpoint[] }
  | { readonly kind: 'steer'; readonly jobId: string; readonly steering: Steering }
  /** Decodes clean estimates (model latent scale) as the end of that request's run would: pasted into the picture and all. */
  | {
      readonly kind: 'decode';
      readonly jobId: string;
      readonly latents: PlainTensor;
      readonly request: GenerationRequest;
      readonly inputs: RunInputs | null;
      readonly modelFolder: string;
      readonly provider: ProviderChoice;
    }
  /** How a model's tokenizer sees texts; answered between two model calls. */
  | {
      readonly kind: 'count-tokens';
      readonly requestId: string;
      readonly modelFolder: string;
      readonly texts: readonly string[];
      readonly syntax: GenerationRequest['promptSyntax'];
    }
  /** Whether the source of a callback can be read; answered beside the runs. */
  | { readonly kind: 'check-callback'; readonly requestId: string; readonly source: string }
  | { readonly kind: 'shutdown' };

/** 8-bit RGB, row by row, 3 bytes a pixel. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** 8-bit grey, row by row, a byte a pixel. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
}

/** Engine process -> main side. */
export type EngineMessage =
  | { readonly kind: 'ready'; readonly runtimeVersion: string }
  | { readonly kind: 'device'; readonly provider: ProviderId; readonly rungs: EngineStatus['rungs'] }
  | { readonly kind: 'loading'; readonly jobId: string; readonly part: string }
  | { readonly kind: 'step'; readonly jobId: string; readonly step: StepRecord }
  | {
      readonly kind: 'preview';
      readonly jobId: string;
      readonly stepIndex: number;
      readonly source: 'linear' | 'decoder';
      /** The pictures of a batch side by side in rows. */
      readonly image: RgbImage;
      /** The part of the picture it covers; null: all of it. */
      readonly region: Region | null;
    }
  | { readonly kind: 'checkpoint'; readonly jobId: string; readonly checkpoint: Checkpoint }
  | { readonly kind: 'steered'; readonly jobId: string; readonly steering: Steering; readonly afterStep: number }
  | { readonly kind: 'paused'; readonly jobId: string; readonly stepsDone: number; readonly reason: PauseReason }
  | { readonly kind: 'resumed'; readonly jobId: string }
  /** The callback is switched off; the run goes on. */
  | ({ readonly kind: 'callback-problem'; readonly jobId: string } & CallbackProblem)
  | { readonly kind: 'callback-checked'; readonly requestId: string; readonly check: CallOutput<'callbacks.check'> }
  | { readonly kind: 'decoding'; readonly jobId: string }
  | { readonly kind: 'finished'; readonly jobId: string; readonly images: readonly RgbImage[]; readonly trace: RunTrace }
  | { readonly kind: 'stopped'; readonly jobId: string; readonly trace: RunTrace }
  | { readonly kind: 'decoded'; readonly jobId: string; readonly images: readonly RgbImage[] }
  | { readonly kind: 'tokens'; readonly requestId: string; readonly counts: readonly TokenCount[] }
  | { readonly kind: 'tokens-failed'; readonly requestId: string; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly jobId: string; readonly failure: Failure };
