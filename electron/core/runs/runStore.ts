import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Preview } from '../../../shared/job.ts';
import { saveFailure } from '../files.ts';
import { excess } from './budget.ts';
import { readEarlierRuns } from './earlierRuns.ts';
import { formatRunFile, type RunRecord } from './runFile.ts';
import { checkpointName, idPattern, parsePreviewName, previewName, readIfThere, runDisk, storedFiles, type FolderContent, type RunDisk } from './runFolder.ts';
import { createRunWriter, type RunWriter } from './runWriter.ts';
import { readCheckpointFile } from './storedStep.ts';

/** A step of a run that can be gone back to. */
export interface Frame {
  readonly stepIndex: number;
  readonly bytes: number;
}

/**
 * Every run's steps on disk: a folder a run, with `run.json`, a checkpoint file a step and the previews as PNG.
 *
 * A kill of the engine or of the app loses no step that had arrived here and been written; files are whole or not there. A
 * checkpoint is flushed to the disk itself once a second and when its run ends or waits, so a power cut costs at most the
 * steps of the last second: a file that it has torn is recognised, and the step before it is taken.
 */
export interface Runs {
  /** Reads what earlier sessions left, and clears away what is no use any more. @returns the newest runs, oldest first */
  open(): Promise<RunRecord[]>;
  /** The engine works on it: its newest checkpoint is kept whatever the limit. */
  begin(jobId: string): void;
  /** Keeps `run.json` in step. @param urgent written at once, else within a second of steps */
  describe(jobId: string, record: () => RunRecord, urgent: boolean): void;
  setCheckpoint(jobId: string, checkpoint: Checkpoint): void;
  /** @param png encoded when it is written */
  addPreview(jobId: string, stepIndex: number, source: Preview['source'], png: () => Promise<Uint8Array>): void;
  /** Null when it is not on disk. */
  previewPng(jobId: string, stepIndex: number, source: Preview['source']): Promise<Buffer | null>;
  /** Gives a fork its parent's previews up to that step. @returns which it has then */
  copyPreviews(from: string, to: string, stepIndex: number): Promise<Pick<Preview, 'stepIndex' | 'source'>[]>;
  /** Whether it has begun, or has steps of its parent. */
  knows(jobId: string): boolean;
  /** Whether it has a checkpoint. */
  has(jobId: string): boolean;
  /** The checkpoint of that step (0-based), or the newest; null when there is none that can be read. */
  checkpoint(jobId: string, stepIndex?: number): Promise<Checkpoint | null>;
  /** Ascending. */
  frames(jobId: string): Frame[];
  /** Of all runs, previews and all. */
  bytes(): number;
  /** The run waits: what has arrived is on the disk when this resolves, or was tried. */
  rest(jobId: string): Promise<void>;
  /** The run has ended: as {@link rest}, and the limit may take its steps from now on. */
  settle(jobId: string, end: { readonly isUnfinished: boolean }): Promise<void>;
  /** Lets files go until the limit is kept. */
  trim(): Promise<void>;
  drop(jobId: string): Promise<void>;
}

export interface RunsOptions {
  readonly folder: string;
  readonly limitBytes: () => number;
  readonly onNotice: (failure: Failure) => void;
  readonly disk?: RunDisk;
}

interface Run {
  readonly content: FolderContent;
  readonly writer: RunWriter;
  isRunning: boolean;
  isUnfinished: boolean;
}

export function createRuns(options: RunsOptions): Runs {
  return new RunStore(options);
}

class RunStore implements Runs {
  readonly #options: RunsOptions;
  /** Oldest first. */
  readonly #runs = new Map<string, Run>();
  /** The run that a full disk was reported for; the next one that meets it after one that did not reports it again. */
  #problemTold: string | null = null;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  async open(): Promise<RunRecord[]> {
    const found = await readEarlierRuns({
      ...this.#options,
      adopt: (jobId, content, { isFinished }) => this.#adopt(jobId, content, isFinished),
      checkpoint: (jobId) => this.checkpoint(jobId),
      drop: (jobId) => this.drop(jobId),
    });
    // In the order of the list, which is the order in which runs lose their steps.
    for (const { job } of found) {
      const run = this.#runs.get(job.jobId);
      this.#runs.delete(job.jobId);
      if (run !== undefined) this.#runs.set(job.jobId, run);
    }
    await this.trim();
    return found;
  }

  begin(jobId: string): void {
    const run = this.#run(jobId);
    run.isRunning = true;
    run.isUnfinished = true;
  }

  describe(jobId: string, record: () => RunRecord, urgent: boolean): void {
    this.#run(jobId).writer.record(() => formatRunFile(record()), urgent);
  }

  setCheckpoint(jobId: string, checkpoint: Checkpoint): void {
    this.#run(jobId).writer.checkpoint(checkpoint);
  }

  addPreview(jobId: string, stepIndex: number, source: Preview['source'], png: () => Promise<Uint8Array>): void {
    this.#runs.get(jobId)?.writer.preview(previewName(stepIndex, source), png);
  }

  async previewPng(jobId: string, stepIndex: number, source: Preview['source']): Promise<Buffer | null> {
    const name = previewName(stepIndex, source);
    if (this.#runs.get(jobId)?.content.previews.has(name) !== true) return null;
    return await readIfThere(this.#path(jobId, name)).catch(() => null);
  }

  async copyPreviews(from: string, to: string, stepIndex: number): Promise<Pick<Preview, 'stepIndex' | 'source'>[]> {
    const [source, target] = [this.#runs.get(from), this.#run(to)];
    // Those that still wait to be written.
    await source?.writer.settle();
    await mkdir(join(this.#options.folder, to), { recursive: true }).catch(() => undefined);
    const copied: Pick<Preview, 'stepIndex' | 'source'>[] = [];
    for (const [name, bytes] of source?.content.previews ?? []) {
      const frame = parsePreviewName(name);
      if (frame === null || frame.stepIndex > stepIndex) continue;
      const done = await copyFile(this.#path(from, name), this.#path(to, name)).then(() => true, () => false);
      if (!done) continue;
      target.content.previews.set(name, bytes);
      copied.push(frame);
    }
    return copied;
  }

  knows(jobId: string): boolean {
    return this.#runs.has(jobId);
  }

  has(jobId: string): boolean {
    const run = this.#runs.get(jobId);
    return run !== undefined && (run.writer.held(null) !== null || run.content.checkpoints.size > 0);
  }

  async checkpoint(jobId: string, stepIndex?: number): Promise<Checkpoint | null> {
    const run = this.#runs.get(jobId);
    if (run === undefined) return null;
    const held = run.writer.held(stepIndex ?? null);
    if (held !== null) return held;
    const kept = [...run.content.checkpoints.keys()].sort((a, b) => b - a);
    for (const step of kept.filter((step) => stepIndex === undefined || step === stepIndex)) {
      const checkpoint = await this.#read(jobId, run, step);
      if (checkpoint !== null) return checkpoint;
    }
    return null;
  }

  frames(jobId: string): Frame[] {
    const run = this.#runs.get(jobId);
    if (run === undefined) return [];
    const frames = new Map(run.content.checkpoints);
    // A disk that is full leaves the newest in memory: it can be gone back to all the same.
    const held = run.writer.held(null);
    if (held !== null && !frames.has(held.stepsDone - 1)) frames.set(held.stepsDone - 1, 0);
    return [...frames].map(([stepIndex, bytes]) => ({ stepIndex, bytes })).sort((a, b) => a.stepIndex - b.stepIndex);
  }

  bytes(): number {
    let sum = 0;
    for (const { content } of this.#runs.values()) {
      for (const files of [content.checkpoints, content.previews]) for (const bytes of files.values()) sum += bytes;
    }
    return sum;
  }

  async rest(jobId: string): Promise<void> {
    await this.#runs.get(jobId)?.writer.settle();
  }

  async settle(jobId: string, { isUnfinished }: { readonly isUnfinished: boolean }): Promise<void> {
    const run = this.#runs.get(jobId);
    if (run === undefined) return;
    // At once: it may begin again before the disk is done.
    run.isRunning = false;
    run.isUnfinished = isUnfinished;
    await run.writer.settle();
    await this.trim();
  }

  async trim(): Promise<void> {
    // The sum is cheap; the plan is made only when it has to be.
    if (this.bytes() <= this.#options.limitBytes()) return;
    const runs = [...this.#runs].map(([jobId, { content, isRunning, isUnfinished }]) => ({ jobId, isRunning, isUnfinished, ...storedFiles(content) }));
    const gone = excess(runs, this.#options.limitBytes());
    for (const { jobId, name } of gone) {
      const content = this.#runs.get(jobId)?.content;
      if (parsePreviewName(name) !== null) content?.previews.delete(name);
      else content?.checkpoints.delete(Number.parseInt(name, 10));
    }
    await Promise.all(gone.map(({ jobId, name }) => rm(this.#path(jobId, name), { force: true }).catch(() => undefined)));
  }

  async drop(jobId: string): Promise<void> {
    const run = this.#runs.get(jobId);
    this.#runs.delete(jobId);
    await run?.writer.end();
    if (idPattern.test(jobId)) {
      await rm(join(this.#options.folder, jobId), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  #path(jobId: string, name: string): string {
    return join(this.#options.folder, jobId, name);
  }

  #run(jobId: string): Run {
    const known = this.#runs.get(jobId);
    if (known !== undefined) return known;
    const content: FolderContent = { checkpoints: new Map(), previews: new Map() };
    const writer = createRunWriter({
      folder: join(this.#options.folder, jobId),
      disk: this.#options.disk ?? runDisk,
      onCheckpoint: (stepIndex, bytes) => {
        content.checkpoints.set(stepIndex, bytes);
        if (this.#problemTold !== jobId) this.#problemTold = null;
        void this.trim();
      },
      onPreview: (name, bytes) => {
        content.previews.set(name, bytes);
        void this.trim();
      },
      onProblem: (error) => this.#tellProblem(jobId, error),
    });
    const run: Run = { content, writer, isRunning: false, isUnfinished: true };
    this.#runs.set(jobId, run);
    return run;
  }

  #tellProblem(jobId: string, error: unknown): void {
    if (this.#problemTold !== null) return;
    this.#problemTold = jobId;
    const { code, message, detail } = saveFailure(error, 'the steps of a run');
    this.#options.onNotice({
      code,
      message: `${message} The run goes on; not all of its steps can be gone back to.`,
      nextStep: 'Free some space, or lower the space that runs may take in the settings.',
      ...(detail === undefined ? {} : { detail }),
    });
  }

  #adopt(jobId: string, { checkpoints, previews }: FolderContent, isFinished: boolean): void {
    const run = this.#run(jobId);
    for (const [stepIndex, bytes] of checkpoints) run.content.checkpoints.set(stepIndex, bytes);
    for (const [name, bytes] of previews) run.content.previews.set(name, bytes);
    run.isUnfinished = !isFinished;
  }

  async #read(jobId: string, run: Run, stepIndex: number): Promise<Checkpoint | null> {
    const found = await readCheckpointFile(this.#path(jobId, checkpointName(stepIndex)), stepIndex);
    if (found.kind === 'good') return found.checkpoint;
    if (found.kind === 'busy') return null;
    run.content.checkpoints.delete(stepIndex);
    if (found.kind === 'aside') this.#options.onNotice(found.notice);
    return null;
  }
}
