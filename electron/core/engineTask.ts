import type { CallOutput, EngineStatus } from '../../shared/contract.ts';
import type { EngineCommand, EngineMessage, OpenedCheckpoint, RgbImage } from '../../shared/engineProtocol.ts';
import type { Failure } from '../../shared/errors.ts';
import type { RunTrace, TokenCount } from '../../shared/job.ts';
import type { Forecast } from '../../shared/models.ts';
import type { EngineProcess } from './host.ts';

export type EngineTask = Extract<EngineCommand, { kind: 'generate' | 'decode' }>;

/** What a person does to a run that goes on. */
export type RunControl = Extract<EngineCommand, { kind: 'pause' | 'resume' | 'breakpoints' | 'steer' }>;

type Question<Kind extends EngineCommand['kind']> = Omit<Extract<EngineCommand, { kind: Kind }>, 'kind' | 'requestId'>;
type Answer<Kind extends EngineMessage['kind'], Field extends string> = Extract<EngineMessage, { kind: Kind } & Record<Field, unknown>>[Field];

/** Texts to be counted by a model's tokenizer. */
export type TokenQuestion = Question<'count-tokens'>;
export type ExamineQuestion = Question<'examine'>;
export type Examined = Answer<'examined', 'report'>;
export type CheckpointQuestion = Question<'open-checkpoint'>;
export type AdapterRead = Answer<'adapter-read', 'adapter'>;
export type ForecastQuestion = Question<'forecast'>;

/** What a task tells while it goes on. */
export type EngineProgress = Extract<
  EngineMessage,
  { kind: 'loading' | 'step' | 'preview' | 'checkpoint' | 'steered' | 'paused' | 'resumed' | 'steer-refused' | 'callback-problem' | 'callback-log' | 'warning' | 'decoding' }
>;

export type EngineTaskEnd =
  | { readonly kind: 'finished'; readonly images: readonly RgbImage[]; readonly trace: RunTrace }
  | { readonly kind: 'stopped'; readonly trace: RunTrace }
  | { readonly kind: 'decoded'; readonly images: readonly RgbImage[] }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** Stopped without an answer of the engine: before it got the task, or (`hard`) by replacing its process. */
  | { readonly kind: 'abandoned'; readonly hard: boolean };

export interface EngineHostOptions {
  readonly start: () => EngineProcess;
  readonly onStatus: (status: EngineStatus) => void;
  /** How long a stop may go unanswered before the process is replaced. */
  readonly stopPatienceMs?: number;
  readonly startPatienceMs?: number;
  /** How long a count of tokens, or the check of a callback, may take. */
  readonly countPatienceMs?: number;
  /** How long a model may be examined, or a file of weights be read, once the engine has been asked; the runs before it count. */
  readonly readPatienceMs?: number;
  /** Wait before the n-th start in a row (n counts from 1) that follows a crash. */
  readonly backOffMs?: (crashes: number) => number;
}

/** Owns the engine process: starts it, feeds it one task at a time, watches it, replaces it. */
export interface EngineHost {
  status(): EngineStatus;
  /** Starts the process ahead of the first task. */
  warmUp(): void;
  /** Replaces a process that runs nothing: libraries that it would load have changed. One with a task is left alone. */
  restart(): void;
  /**
   * Never rejects: whatever happens to the process, the task has an end. One task at a time.
   * @param task may still be on its way: it can be stopped and controlled from the start, and one that fails is a failed task.
   */
  run(jobId: string, task: EngineTask | Promise<EngineTask>, onProgress: (message: EngineProgress) => void): Promise<EngineTaskEnd>;
  /**
   * Beside the tasks: a step that runs delays it, and it delays no step. Of several that wait, only the newest is asked.
   * @throws StopbathError when the engine cannot tell, or not in time, or a newer question took its place.
   */
  countTokens(question: TokenQuestion): Promise<readonly TokenCount[]>;
  /** Whether a callback's source can be read; beside the tasks, as {@link countTokens}. @throws as that. */
  checkCallback(source: string): Promise<CallOutput<'callbacks.check'>>;
  /** The model doctor; behind the tasks, and it holds up those that come later. @throws StopbathError as the others. */
  examine(question: ExamineQuestion): Promise<Examined>;
  /** Writes a model folder over a checkpoint; beside the tasks. @throws StopbathError when the file is none, or as the others. */
  openCheckpoint(question: CheckpointQuestion): Promise<OpenedCheckpoint>;
  /** What the header of a LoRA or an embedding says; beside the tasks. @throws StopbathError when the file is neither, or as the others. */
  readAdapter(file: string): Promise<AdapterRead>;
  /** What a run would take; beside the tasks, only the newest is answered. @throws StopbathError as the others. */
  forecast(question: ForecastQuestion): Promise<Forecast>;
  /** @returns whether this stop replaces the process at once (it is the second of its task). */
  stop(jobId: string): { hard: boolean };
  /** Passed on in order; what comes before the engine has the task follows it. Nothing happens for another job's. */
  control(control: RunControl): void;
  close(): Promise<void>;
}
