import type { CallOutput, EngineStatus, Settings } from './contract.ts';
import type { DeviceReason } from './deviceReasons.ts';
import type { Failure } from './errors.ts';
import type { AdapterFile, DoctorReport, Forecast, Model, Placement } from './models.ts';
import type { GenerationRequest, ProviderChoice, ProviderId, SteeringEntry } from './generation.ts';
import type { Breakpoint, CallbackProblem, PauseReason, Region, RunTrace, Steering, StepRecord, TokenCount } from './job.ts';
import type { RunWarning } from './runWarning.ts';

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

/** A LoRA or an embedding as a prompt calls it, and its file. */
export interface AdapterRef {
  readonly name: string;
  readonly file: string;
}

/** What a model needs beside its folder. */
export interface ModelUse {
  /**
   * The standard layout of ONNX files. A folder with `checkpoint.json` was written over a .safetensors file
   * (electron/engine/graph/openCheckpoint.ts) and is brought up to date by the engine when it is loaded.
   */
  readonly modelFolder: string;
  readonly provider: ProviderChoice;
  readonly memoryPolicy: Settings['memoryPolicy'];
  /** Those the request or its prompts name. */
  readonly loras: readonly AdapterRef[];
  readonly embeddings: readonly AdapterRef[];
}

/** A model use without adapters, where nobody chose otherwise: the command line, tests, measurements. */
export const plainUse: Pick<ModelUse, 'memoryPolicy' | 'loras' | 'embeddings'> = { memoryPolicy: 'auto', loras: [], embeddings: [] };

/** What is known of a checkpoint file that was opened. */
export interface OpenedCheckpoint {
  /** A standard model folder. */
  readonly folder: string;
  readonly family: Model['family'];
  readonly tasks: Model['tasks'];
  readonly predictionType: NonNullable<Model['predictionType']>;
  readonly width: number;
  readonly height: number;
  readonly uncertain: readonly string[];
}

/** What a person said of a checkpoint that its file does not tell. */
export interface CheckpointOverrides {
  readonly family?: Model['family'];
  readonly predictionType?: NonNullable<Model['predictionType']>;
  readonly isInpaint?: boolean;
}

/** Main side -> engine process. */
export type EngineCommand =
  | (ModelUse & {
      readonly kind: 'generate';
      readonly jobId: string;
      readonly request: GenerationRequest;
      /** null for text-to-image. */
      readonly inputs: RunInputs | null;
      readonly previewMode: Settings['previewMode'];
      readonly paceMs: number;
      /** Go on after this checkpoint instead of from noise. */
      readonly from?: Checkpoint;
    })
  | { readonly kind: 'stop'; readonly jobId: string }
  /** Waits after the step in progress; `resume` goes on, for one step or to the next breakpoint. */
  | { readonly kind: 'pause'; readonly jobId: string }
  | { readonly kind: 'resume'; readonly jobId: string; readonly steps: 'all' | 1 }
  | { readonly kind: 'breakpoints'; readonly jobId: string; readonly breakpoints: readonly Breakpoint[] }
  | { readonly kind: 'steer'; readonly jobId: string; readonly steering: Steering }
  /** Decodes clean estimates (model latent scale) as the end of that request's run would: pasted into the picture and all. */
  | (ModelUse & {
      readonly kind: 'decode';
      readonly jobId: string;
      readonly latents: PlainTensor;
      readonly request: GenerationRequest;
      readonly inputs: RunInputs | null;
    })
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
  /** The model doctor: reads every part, runs one tiny pass of each. Queued as a run is. */
  | { readonly kind: 'examine'; readonly requestId: string; readonly modelFolder: string; readonly provider: ProviderChoice }
  /** Reads the headers of a checkpoint (a .safetensors file, or a diffusers folder of them) and writes a model folder over it into `store`. */
  | {
      readonly kind: 'open-checkpoint';
      readonly requestId: string;
      readonly path: string;
      readonly store: string;
      readonly overrides: CheckpointOverrides;
      /** Left out: `link`. */
      readonly placement?: Placement;
    }
  /** Reads a LoRA's or an embedding's header. */
  | { readonly kind: 'read-adapter'; readonly requestId: string; readonly file: string }
  /** What a run of this request would take. */
  | { readonly kind: 'forecast'; readonly requestId: string; readonly use: ModelUse; readonly request: GenerationRequest }
  /** Tries a device with the UNet of a model: for a process started for nothing else, since a bad driver takes it down. */
  | { readonly kind: 'self-test'; readonly requestId: string; readonly provider: ProviderId; readonly modelFolder: string }
  | { readonly kind: 'shutdown' };

/** What a device did with a model's UNet. */
export type SelfTestReport =
  | {
      readonly kind: 'ran';
      /** null: it may be used. */
      readonly verdict: DeviceReason | null;
      /** Median milliseconds of a call, for a batch of 1 and of 2; null where a call would take many seconds. */
      readonly unetMs: { readonly one: number; readonly two: number } | null;
      readonly cpuMs: { readonly one: number; readonly two: number };
      /** Largest difference to the CPU as a share of the largest value. */
      readonly difference: number;
    }
  | { readonly kind: 'failed'; readonly message: string };

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
  /** A live one that could not be done; the run goes on as it was. */
  | { readonly kind: 'steer-refused'; readonly jobId: string; readonly steering: Steering; readonly failure: Failure }
  | { readonly kind: 'paused'; readonly jobId: string; readonly stepsDone: number; readonly reason: PauseReason }
  | { readonly kind: 'resumed'; readonly jobId: string }
  /** The callback is switched off; the run goes on. */
  | ({ readonly kind: 'callback-problem'; readonly jobId: string } & CallbackProblem)
  /** What one call of a callback wrote, its last lines. */
  | { readonly kind: 'callback-log'; readonly jobId: string; readonly name: string; readonly stepIndex: number; readonly lines: string[] }
  /** Something was not done as asked; the run goes on. */
  | ({ readonly kind: 'warning'; readonly jobId: string } & RunWarning)
  | { readonly kind: 'callback-checked'; readonly requestId: string; readonly check: CallOutput<'callbacks.check'> }
  | { readonly kind: 'decoding'; readonly jobId: string }
  | { readonly kind: 'finished'; readonly jobId: string; readonly images: readonly RgbImage[]; readonly trace: RunTrace }
  | { readonly kind: 'stopped'; readonly jobId: string; readonly trace: RunTrace }
  | { readonly kind: 'decoded'; readonly jobId: string; readonly images: readonly RgbImage[] }
  | { readonly kind: 'tokens'; readonly requestId: string; readonly counts: readonly TokenCount[] }
  | { readonly kind: 'examined'; readonly requestId: string; readonly report: Omit<DoctorReport, 'modelId' | 'at'> }
  | { readonly kind: 'checkpoint-opened'; readonly requestId: string; readonly opened: OpenedCheckpoint }
  | { readonly kind: 'adapter-read'; readonly requestId: string; readonly adapter: Omit<AdapterFile, 'name' | 'path' | 'bytes'> }
  | { readonly kind: 'forecast-made'; readonly requestId: string; readonly forecast: Forecast }
  | { readonly kind: 'self-tested'; readonly requestId: string; readonly report: SelfTestReport }
  /** The answer to any of those questions that could not be answered. */
  | { readonly kind: 'question-failed'; readonly requestId: string; readonly failure: Failure }
  | { readonly kind: 'tokens-failed'; readonly requestId: string; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly jobId: string; readonly failure: Failure };
