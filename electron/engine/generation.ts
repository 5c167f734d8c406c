import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import type { ProviderId } from '../../shared/generation.ts';
import type { RunTrace } from '../../shared/job.ts';
import type { StepCallback } from './callbacks/callback.ts';
import type { RunControls } from './callbacks/runControls.ts';
import type { NoiseModel } from './guidance/condition.ts';
import type { GuidedCalls, GuidedInput } from './guidance/guidedPrediction.ts';
import type { LoraStrengths } from './loras/loraStrengths.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import type { MemoryPlan } from './pipelines/residency.ts';
import type { Pauses } from './steering/pauses.ts';
import type { Warn } from './warn.ts';

export type GenerateCommand = Extract<EngineCommand, { kind: 'generate' }>;

/** A generation the engine has taken on. */
export interface GenerateJob {
  readonly command: GenerateCommand;
  readonly controls: RunControls;
  readonly pauses: Pauses;
  readonly signal: AbortSignal;
  /** Callbacks beyond the engine's own; they come before the checkpoint, which sees what they changed. */
  readonly callbacks: readonly StepCallback[];
}

export interface GenerateSurroundings {
  readonly emit: (message: EngineMessage) => void;
  readonly warn: Warn;
  /** For the log; nothing a person must see. */
  readonly log: (text: string) => void;
  /** Loads the model, or takes the one that is loaded, with all that the request's task needs. */
  readonly open: () => Promise<{ pipeline: Pipeline; provider: ProviderId; memory: MemoryPlan; loras: LoraStrengths | null }>;
  readonly guidedCalls: (model: NoiseModel, example: GuidedInput) => Promise<GuidedCalls>;
}

export type Timings = { -readonly [Name in keyof RunTrace['timingsMs']]: number };
