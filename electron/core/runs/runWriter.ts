import { join } from 'node:path';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import { encodeCheckpoint } from './checkpointFile.ts';
import { checkpointName, type RunDisk } from './runFolder.ts';
import { runFileName } from './runFile.ts';

/** Writes one run's files, one at a time, beside the run: whoever hands something in never waits. */
export interface RunWriter {
  checkpoint(checkpoint: Checkpoint): void;
  preview(name: string, encode: () => Promise<Uint8Array>): void;
  /** `run.json`. @param text asked for when it is written @param urgent else it may wait for the next second */
  record(text: () => string, urgent: boolean): void;
  /** What is in memory of a step; null: ask the disk. @param stepIndex null: the newest */
  held(stepIndex: number | null): Checkpoint | null;
  /** Resolves when all that waits was tried and the newest checkpoint outlives a power cut; lets go of what is on disk. */
  settle(): Promise<void>;
  /** Nothing is written any more once this resolves. */
  end(): Promise<void>;
}

export interface RunWriterOptions {
  readonly folder: string;
  readonly disk: RunDisk;
  readonly onCheckpoint: (stepIndex: number, bytes: number) => void;
  readonly onPreview: (name: string, bytes: number) => void;
  readonly onProblem: (error: unknown) => void;
  /** Milliseconds, any origin; a seam for tests. */
  readonly now?: () => number;
}

/** A disk that falls further behind loses steps, the oldest first: the newest is what a crash needs. */
const mostWaiting = 8;
const mostPreviewsWaiting = 64;
/** A power cut costs at most the steps of this long. */
const flushEveryMs = 1_000;
const recordEveryMs = 1_000;

export function createRunWriter(options: RunWriterOptions): RunWriter {
  return new Writer(options);
}

class Writer implements RunWriter {
  readonly #options: RunWriterOptions;
  readonly #now: () => number;
  readonly #previews = new Map<string, () => Promise<Uint8Array>>();
  /** Oldest first. */
  #waiting: Checkpoint[] = [];
  #writing: Checkpoint | null = null;
  #newest: Checkpoint | null = null;
  #isNewestOnDisk = false;
  #isNewestFlushed = false;
  #record: (() => string) | null = null;
  #isRecordUrgent = false;
  #flushedAt = -Infinity;
  #recordedAt = -Infinity;
  #work: Promise<void> | null = null;
  #ended = false;

  constructor(options: RunWriterOptions) {
    this.#options = options;
    this.#now = options.now ?? ((): number => performance.now());
  }

  checkpoint(checkpoint: Checkpoint): void {
    this.#newest = checkpoint;
    this.#isNewestOnDisk = false;
    this.#isNewestFlushed = false;
    // A step that was steered while its run waited is told again, and its file is the newer one.
    const others = this.#waiting.filter(({ stepsDone }) => stepsDone !== checkpoint.stepsDone);
    this.#waiting = [...others, checkpoint].slice(-mostWaiting);
    this.#pump();
  }

  preview(name: string, encode: () => Promise<Uint8Array>): void {
    this.#previews.set(name, encode);
    for (const oldest of this.#previews.keys()) {
      if (this.#previews.size <= mostPreviewsWaiting) break;
      this.#previews.delete(oldest);
    }
    this.#pump();
  }

  record(text: () => string, urgent: boolean): void {
    this.#record = text;
    this.#isRecordUrgent ||= urgent;
    this.#pump();
  }

  held(stepIndex: number | null): Checkpoint | null {
    if (stepIndex === null) return this.#newest;
    return [this.#newest, ...this.#waiting, this.#writing].find((checkpoint) => checkpoint?.stepsDone === stepIndex + 1) ?? null;
  }

  async settle(): Promise<void> {
    this.#isRecordUrgent = this.#record !== null;
    this.#pump();
    while (this.#work !== null) await this.#work;
    if (this.#newest === null || this.#ended) return;
    // The disk may have room again.
    if (!this.#isNewestOnDisk) await this.#writeCheckpoint(this.#newest, true);
    else if (!this.#isNewestFlushed) await this.#attempt(() => this.#options.disk.flush(this.#path(checkpointName(this.#newestStep()))));
    if (this.#isNewestOnDisk) this.#newest = null;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#work;
  }

  #newestStep(): number {
    return (this.#newest?.stepsDone ?? 0) - 1;
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }

  #pump(): void {
    this.#work ??= this.#run().finally(() => {
      this.#work = null;
      // What came in while the last write ended.
      if (this.#hasWork()) this.#pump();
    });
  }

  async #run(): Promise<void> {
    for (let work = this.#next(); work !== null && !this.#ended; work = this.#next()) await work();
  }

  #isRecordDue(): boolean {
    return this.#record !== null && (this.#isRecordUrgent || this.#now() - this.#recordedAt >= recordEveryMs);
  }

  #hasWork(): boolean {
    return !this.#ended && (this.#waiting.length > 0 || this.#previews.size > 0 || this.#isRecordDue());
  }

  /** The newest checkpoint before older ones: those may be skipped. */
  #next(): (() => Promise<void>) | null {
    const checkpoint = this.#waiting.pop();
    if (checkpoint !== undefined) return () => this.#writeCheckpoint(checkpoint);
    if (this.#isRecordDue()) return () => this.#writeRecord();
    const [name, encode] = this.#previews.entries().next().value ?? [];
    if (name === undefined || encode === undefined) return null;
    this.#previews.delete(name);
    return () => this.#writePreview(name, encode);
  }

  async #writeCheckpoint(checkpoint: Checkpoint, isLast = false): Promise<void> {
    const flush = isLast || this.#now() - this.#flushedAt >= flushEveryMs;
    const stepIndex = checkpoint.stepsDone - 1;
    this.#writing = checkpoint;
    await this.#attempt(async () => {
      const bytes = encodeCheckpoint(checkpoint);
      await this.#options.disk.write(this.#path(checkpointName(stepIndex)), bytes, flush);
      if (flush) this.#flushedAt = this.#now();
      if (checkpoint === this.#newest) [this.#isNewestOnDisk, this.#isNewestFlushed] = [true, flush];
      this.#options.onCheckpoint(stepIndex, bytes.length);
    });
    this.#writing = null;
  }

  async #writeRecord(): Promise<void> {
    const text = this.#record;
    this.#record = null;
    this.#isRecordUrgent = false;
    this.#recordedAt = this.#now();
    if (text !== null) await this.#attempt(() => this.#options.disk.write(this.#path(runFileName), text(), true));
  }

  async #writePreview(name: string, encode: () => Promise<Uint8Array>): Promise<void> {
    await this.#attempt(async () => {
      const png = await encode();
      await this.#options.disk.write(this.#path(name), png, false);
      this.#options.onPreview(name, png.length);
    });
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#options.onProblem(error);
    }
  }
}
