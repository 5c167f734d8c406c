import type { EngineStatus, Settings } from './contract.ts';
import type { Failure } from './errors.ts';
import type { GenerationRequest, ProviderChoice, ProviderId } from './generation.ts';
import type { RunTrace, Steering, StepRecord } from './job.ts';

/** A float tensor as plain data; survives structured clone and `serialization: 'advanced'`. */
export interface PlainTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Everything needed to go on bit-exactly after a step, and to decode its clean estimate. Plain data. */
export interface Checkpoint {
  readonly version: 1;
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
  /** The random generator's own state, opaque. */
  readonly generator: unknown;
  /** What steering has made of the guidance by now. */
  readonly guidanceScale: number;
  readonly guidanceEnd: GenerationRequest['guidanceEnd'];
  readonly steps: readonly StepRecord[];
}

/** Main side -> engine process. */
export type EngineCommand =
  | {
      readonly kind: 'generate';
      readonly jobId: string;
      readonly request: GenerationRequest;
      readonly modelFolder: string;
      readonly provider: ProviderChoice;
      readonly previewMode: Settings['previewMode'];
      readonly paceMs: number;
      /** Go on after this checkpoint instead of from noise. */
      readonly from?: Checkpoint;
    }
  | { readonly kind: 'stop'; readonly jobId: string }
  | { readonly kind: 'steer'; readonly jobId: string; readonly steering: Steering }
  /** Decodes a clean estimate (model latent scale) to a picture. */
  | {
      readonly kind: 'decode';
      readonly jobId: string;
      readonly latents: PlainTensor;
      readonly modelFolder: string;
      readonly provider: ProviderChoice;
    }
  | { readonly kind: 'shutdown' };

/** 8-bit RGB, row by row, 3 bytes a pixel. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
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
      readonly image: RgbImage;
    }
  | { readonly kind: 'checkpoint'; readonly jobId: string; readonly checkpoint: Checkpoint }
  | { readonly kind: 'steered'; readonly jobId: string; readonly steering: Steering; readonly afterStep: number }
  | { readonly kind: 'decoding'; readonly jobId: string }
  | { readonly kind: 'finished'; readonly jobId: string; readonly image: RgbImage; readonly trace: RunTrace }
  | { readonly kind: 'stopped'; readonly jobId: string; readonly trace: RunTrace }
  | { readonly kind: 'decoded'; readonly jobId: string; readonly image: RgbImage }
  | { readonly kind: 'failed'; readonly jobId: string; readonly failure: Failure };
