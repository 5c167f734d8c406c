import type { CallOutput, EngineStatus } from '../../shared/contract.ts';
import type { EngineCommand, EngineMessage, RgbImage } from '../../shared/engineProtocol.ts';
import type { Failure } from '../../shared/errors.ts';
import type { RunTrace, TokenCount } from '../../shared/job.ts';
import type { EngineProcess } from './host.ts';

export type EngineTask = Extract<EngineCommand, { kind: 'generate' | 'decode' }>;

/** What a person does to a run that goes on. */
export type RunControl = Extract<EngineCommand, { kind: 'pause' | 'resume' | 'breakpoints' | 'steer' }>;

/** Texts to be counted by a model's tokenizer. */
export type TokenQuestion = Omit<Extract<EngineCommand, { kind: 'count-tokens' }>, 'kind' | 'requestId'>;

/** What a task tells while it goes on. */
export type EngineProgress = Extract<
  EngineMessage,
  { kind: 'loading' | 'step' | 'preview' | 'checkpoint' | 'steered' | 'paused' | 'resumed' | 'callback-problem' | 'decoding' }
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
  /** Wait before the n-th start in a row (n counts from 1) that follows a crash. */
  readonly backOffMs?: (crashes: number) => number;
}

/** Owns the engine process: starts it, feeds it one task at a time, watches it, replaces it. */
export interface EngineHost {
  status(): EngineStatus;
  /** Starts the process ahead of the first task. */
  warmUp(): void;
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
  /** @returns whether this stop replaces the process at once (it is the second of its task). */
  stop(jobId: string): { hard: boolean };
  /** Passed on in order; what comes before the engine has the task follows it. Nothing happens for another job's. */
  control(control: RunControl): void;
  close(): Promise<void>;
}
