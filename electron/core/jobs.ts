import { randomUUID } from 'node:crypto';
import type { CallOutput, Settings } from '../../shared/contract.ts';
import { StopbathError, type Failure } from '../../shared/errors.ts';
import { batchSize } from '../../shared/generation.ts';
import { seedPlus } from '../../shared/infotext.ts';
import { emptySnapshot, isEnded, type Breakpoint, type JobEvent, type JobSnapshot, type Picture, type Steering } from '../../shared/job.ts';
import type { CheckedInput } from '../../shared/rpc.ts';
import { readEarlierJobs } from './earlierJobs.ts';
import { createEndedJobs, type EndedJobs } from './endedJobs.ts';
import type { EngineHost } from './engineTask.ts';
import { createGoingOn, type GoingOn } from './goingOn.ts';
import { inputIds, type Inputs } from './inputs.ts';
import { createJobControls, type JobControls } from './jobControls.ts';
import { createJobNotes } from './jobNotes.ts';
import { createJobRunner } from './jobRunner.ts';
import { createJobTable, type JobTable } from './jobTable.ts';
import { createJobTurns, type JobTurns } from './jobTurns.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import type { Library } from './library.ts';
import { checkAgainstModel, type Models } from './models/models.ts';
import type { Previews } from './previews.ts';
import type { QueueFile } from './queueFile.ts';
import { createQueueSaver, type QueueSaver } from './queueSaver.ts';
import type { Runs } from './runs/runStore.ts';

export interface JobsOptions {
  readonly engine: EngineHost;
  readonly inputs: Inputs;
  readonly library: Library;
  readonly models: Models;
  readonly runs: Runs;
  readonly previews: Previews;
  readonly queueFile: QueueFile;
  readonly settings: () => Settings;
  readonly onEvent: (event: JobEvent) => void;
  readonly onNotice: (failure: Failure) => void;
}

/** The queue and everything in it: one job at a time, in order. */
export interface Jobs {
  list(): JobSnapshot[];
  submit(input: CheckedInput<'jobs.submit'>): Promise<CallOutput<'jobs.submit'>>;
  stop(jobId: string): void;
  steer(jobId: string, steering: Steering): void;
  pause(jobId: string): void;
  resume(jobId: string, steps: 'all' | 1): void;
  breakpoints(jobId: string, breakpoints: Breakpoint[]): void;
  /** @throws StopbathError `NOT_FOUND` when that step is not kept. */
  fork(input: CheckedInput<'jobs.fork'>): Promise<CallOutput<'jobs.fork'>>;
  /** From its newest checkpoint, or from the beginning where there is none yet. */
  continue(jobId: string): Promise<void>;
  frames(jobId: string): CallOutput<'jobs.frames'>;
  keep(jobId: string): Promise<Picture[]>;
  remove(jobId: string): Promise<void>;
  /** The input pictures that waiting and unfinished jobs name. */
  inputIds(): Set<string>;
  /** Takes up what the last sessions left. */
  start(): Promise<void>;
  /** Lets go of runs of earlier sessions whose pictures were all deleted. @throws StopbathError when the library cannot be read. */
  clearGone(): Promise<void>;
  close(): Promise<void>;
}

export function createJobs(options: JobsOptions): Jobs {
  return new JobQueue(options);
}

class JobQueue implements Jobs {
  readonly #options: JobsOptions;
  readonly #table: JobTable;
  readonly #keeper: Keeper;
  readonly #run: ReturnType<typeof createJobRunner>;
  readonly #notes = createJobNotes();
  readonly #turns: JobTurns;
  readonly #saver: QueueSaver;
  readonly #controls: JobControls;
  readonly #ended: EndedJobs;
  readonly #goingOn: GoingOn;
  #closing = false;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#table = createJobTable((event) => {
      this.#describe(event);
      options.onEvent(event);
    });
    this.#keeper = createKeeper({
      ...options,
      inTurn: (work) => this.#turns.inTurn(work),
      onKept: (jobId, pictures) => this.#table.apply({ kind: 'kept', jobId, pictures }),
    });
    this.#run = createJobRunner({ ...options, keeper: this.#keeper, table: this.#table });
    this.#turns = createJobTurns({ begin: (jobId) => this.#begin(jobId), run: (jobId) => this.#runJob(jobId) });
    const parts = { ...options, keeper: this.#keeper, notes: this.#notes, table: this.#table, turns: this.#turns };
    this.#saver = createQueueSaver(parts);
    this.#controls = createJobControls({ ...parts, saver: this.#saver });
    this.#ended = createEndedJobs(parts);
    this.#goingOn = createGoingOn({ ...parts, describe: (event) => this.#describe(event), enqueueFirst: (job) => this.#enqueueFirst(job) });
  }

  /** Pictures that were deleted are left out, and take their job along with the last of them; restored, they bring it back. */
  list(): JobSnapshot[] {
    const { library } = this.#options;
    return this.#table.list().flatMap((job) => {
      const pictures = job.pictures.filter(({ id }) => library.has(id));
      return job.pictures.length > 0 && pictures.length === 0 ? [] : [{ ...job, pictures }];
    });
  }

  async submit({ request, count }: CheckedInput<'jobs.submit'>): Promise<CallOutput<'jobs.submit'>> {
    checkAgainstModel(request, this.#options.models.get(request.modelId).model);
    // A model or an adapter that is not there is told now, not when its turn comes.
    await this.#options.models.use(request);
    await this.#options.inputs.check(request);
    // A batch uses a seed for each of its pictures; the next job goes on after the last of them.
    const seedsEach = request.batchSeeds === 'per-image' ? batchSize(request) : 1;
    const jobIds = Array.from({ length: count }, (_, index) => {
      const jobId = randomUUID();
      this.#enqueue(emptySnapshot(jobId, { ...request, seed: seedPlus(request.seed, index * seedsEach) }, this.#options.settings().paceMs));
      return jobId;
    });
    this.#turns.pump();
    // Who is told that a job waits may count on it, whatever ends the app.
    await this.#saver.save();
    return { jobIds };
  }

  stop(jobId: string): void {
    this.#controls.stop(jobId);
  }

  steer(jobId: string, steering: Steering): void {
    this.#controls.steer(jobId, steering);
  }

  pause(jobId: string): void {
    this.#controls.pause(jobId);
  }

  resume(jobId: string, steps: 'all' | 1): void {
    this.#controls.resume(jobId, steps);
  }

  breakpoints(jobId: string, breakpoints: Breakpoint[]): void {
    this.#controls.breakpoints(jobId, breakpoints);
  }

  async fork(input: CheckedInput<'jobs.fork'>): Promise<CallOutput<'jobs.fork'>> {
    return { jobId: await this.#goingOn.fork(input) };
  }

  async continue(jobId: string): Promise<void> {
    await this.#goingOn.continue(jobId);
  }

  frames(jobId: string): CallOutput<'jobs.frames'> {
    const { runs, settings } = this.#options;
    this.#table.get(jobId);
    return { frames: runs.frames(jobId), bytesOfAllRuns: runs.bytes(), limitBytes: limitBytes(settings()) };
  }

  async keep(jobId: string): Promise<Picture[]> {
    const job = this.#table.get(jobId);
    if (!job.keepable) {
      throw new StopbathError({ code: 'NOT_FOUND', message: 'This job has nothing to keep.' });
    }
    return await this.#keeper.keep(job);
  }

  async remove(jobId: string): Promise<void> {
    const job = this.#table.get(jobId);
    if (jobId === this.#turns.running) {
      throw new StopbathError({
        code: 'INVALID_INPUT',
        message: 'This job is running.',
        nextStep: 'Stop it first.',
      });
    }
    if (!isEnded(job.state)) this.#controls.unqueue(jobId);
    await this.#ended.forget(jobId);
  }

  inputIds(): Set<string> {
    return new Set(this.#table.list().flatMap(({ request }) => inputIds(request)));
  }

  async start(): Promise<void> {
    const { runs } = this.#options;
    const { jobs, waiting } = await readEarlierJobs(this.#options);
    for (const { job, at, isNewlyFinished } of jobs) {
      if (at !== null) this.#notes.set(job.jobId, { at, decodeOnCpu: false });
      this.#table.add(job);
      if (!isNewlyFinished) continue;
      this.#describe({ kind: 'finished', jobId: job.jobId });
      this.#ended.settle(job.jobId, { isUnfinished: false });
    }
    for (const job of waiting) {
      if (runs.knows(job.jobId)) this.#turns.add(job.jobId, 'last');
      else this.#enqueue(job);
    }
    void this.#saver.save();
    this.#turns.pump();
  }

  async clearGone(): Promise<void> {
    await this.#ended.forgetDeleted();
  }

  async close(): Promise<void> {
    const running = this.#turns.close();
    this.#closing = true;
    await this.#saver.close();
    await this.#options.engine.close();
    if (running !== null) this.#ended.settle(running, { isUnfinished: true });
    await this.#ended.whenSettled();
  }

  #enqueue(job: JobSnapshot): void {
    const { jobId, request } = job;
    this.#notes.begin(jobId);
    this.#table.add(job);
    this.#table.apply({ kind: 'queued', jobId, request, position: this.#turns.add(jobId, 'last') });
  }

  async #enqueueFirst(job: JobSnapshot): Promise<void> {
    const { jobId, request } = job;
    this.#table.apply({ kind: 'queued', jobId, request, position: this.#turns.add(jobId, 'first'), job });
    this.#turns.pump();
    await this.#saver.save();
  }

  #begin(jobId: string): void {
    void this.#saver.save();
    this.#options.runs.begin(jobId);
    // From here on it is stopped, not taken out of the queue, also while the engine process is still starting.
    this.#table.apply({ kind: 'loading', jobId, part: 'engine' });
  }

  async #runJob(jobId: string): Promise<void> {
    const event = await this.#run(this.#table.get(jobId), this.#notes.of(jobId));
    if (this.#closing) return;
    this.#turns.ended();
    this.#table.apply(event);
    void this.#saver.save();
    // A slow disk does not hold up the next job.
    this.#ended.settle(jobId, { isUnfinished: event.kind !== 'finished' });
    await this.#ended.forgetOldest();
  }

  /** Keeps the run's own record in step, once it has steps of its own. */
  #describe({ kind, jobId }: Pick<JobEvent, 'kind' | 'jobId'>): void {
    const { runs } = this.#options;
    if (kind === 'removed' || kind === 'preview' || !runs.knows(jobId)) return;
    const { at } = this.#notes.of(jobId);
    runs.describe(jobId, () => ({ at, job: this.#table.get(jobId) }), kind !== 'step' && kind !== 'callback-log');
  }
}

export function limitBytes({ runsLimitMiB }: Settings): number {
  return runsLimitMiB * 2 ** 20;
}
