import { randomUUID } from 'node:crypto';
import type { CallOutput, Settings } from '../../shared/contract.ts';
import { StopbathError, toFailure, type Failure } from '../../shared/errors.ts';
import { batchSize } from '../../shared/generation.ts';
import { seedPlus } from '../../shared/infotext.ts';
import { emptySnapshot, isEnded, type Breakpoint, type JobEvent, type JobSnapshot, type Picture, type Steering } from '../../shared/job.ts';
import type { CheckedInput } from '../../shared/rpc.ts';
import { readEarlierJobs } from './earlierJobs.ts';
import type { EngineHost, RunControl } from './engineTask.ts';
import { saveFailure } from './files.ts';
import { inputIds, type Inputs } from './inputs.ts';
import { createJobRunner, type RunOptions, stoppedEvent } from './jobRunner.ts';
import { createJobTable, type JobTable } from './jobTable.ts';
import { createJobTurns, type JobTurns } from './jobTurns.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import type { Library } from './library.ts';
import { checkAgainstModel, type Models } from './models/models.ts';
import type { Previews } from './previews.ts';
import type { QueueFile, StoredJob } from './queueFile.ts';
import type { Runs } from './runs/runStore.ts';
import { continuedJob, decodeFailed, forkedJob } from './startedJob.ts';
import { checkRoom, forkRun } from './steeringLog.ts';

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

/** Ended jobs beyond this number leave the list, oldest first; their pictures stay in the library. */
const maxEnded = 200;

/** What is known of a job beside its snapshot. */
interface JobNotes extends RunOptions {
  /** When it was put in the queue, milliseconds since 1970. */
  readonly at: number;
}

class JobQueue implements Jobs {
  readonly #options: JobsOptions;
  readonly #table: JobTable;
  readonly #keeper: Keeper;
  readonly #run: (job: JobSnapshot, options: RunOptions) => Promise<JobEvent>;
  readonly #notes = new Map<string, JobNotes>();
  readonly #turns: JobTurns;
  readonly #settling = new Set<Promise<void>>();
  #lastTime = 0;
  #closing = false;
  #saveProblemTold = false;

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
    await this.#saveQueue();
    return { jobIds };
  }

  stop(jobId: string): void {
    const job = this.#table.get(jobId);
    if (isEnded(job.state)) {
      // Nothing, unless its picture is being decoded just now.
      this.#options.engine.stop(jobId);
      return;
    }
    if (jobId === this.#turns.running) {
      const { hard } = this.#options.engine.stop(jobId);
      this.#table.apply({ kind: 'stopping', jobId, hard });
      return;
    }
    this.#unqueue(jobId);
    this.#table.apply({ kind: 'stopping', jobId, hard: false });
    const keepable = this.#options.runs.has(jobId);
    this.#table.apply(stoppedEvent(job, { hard: false, keepable, stepsDone: job.steps.length, trace: null }));
  }

  steer(jobId: string, steering: Steering): void {
    checkRoom(this.#table.get(jobId), steering);
    this.#control({ kind: 'steer', jobId, steering });
  }

  pause(jobId: string): void {
    this.#control({ kind: 'pause', jobId });
  }

  resume(jobId: string, steps: 'all' | 1): void {
    this.#control({ kind: 'resume', jobId, steps });
  }

  breakpoints(jobId: string, breakpoints: Breakpoint[]): void {
    this.#table.get(jobId);
    this.#table.apply({ kind: 'breakpoints', jobId, breakpoints });
    void this.#saveQueue();
    if (jobId === this.#turns.running) this.#options.engine.control({ kind: 'breakpoints', jobId, breakpoints });
  }

  async fork({ jobId: parentId, stepIndex, steering, ahead }: CheckedInput<'jobs.fork'>): Promise<CallOutput<'jobs.fork'>> {
    const { inputs, runs } = this.#options;
    const parent = this.#table.get(parentId);
    const checkpoint = await runs.checkpoint(parentId, stepIndex);
    if (checkpoint === null) {
      throw new StopbathError({
        code: 'NOT_FOUND',
        message: `Step ${stepIndex + 1} of this run is not kept.`,
        nextStep: 'Choose one of the steps that are.',
      });
    }
    const fork = forkRun(parent, checkpoint, steering, ahead);
    await inputs.check(fork.request);
    const jobId = randomUUID();
    // In a folder of its own: the parent may be cleared away before, or after, the fork has run.
    runs.setCheckpoint(jobId, fork.from);
    const previews = await runs.copyPreviews(parentId, jobId, stepIndex);
    const job = forkedJob(jobId, parent, fork, steering.paceMs ?? parent.paceMs, previews);
    this.#notes.set(jobId, { at: this.#nextTime(), decodeOnCpu: false });
    this.#table.add(job);
    this.#describe({ kind: 'queued', jobId });
    await runs.rest(jobId);
    await this.#enqueueFirst(job);
    return { jobId };
  }

  async continue(jobId: string): Promise<void> {
    const { inputs, runs } = this.#options;
    const job = this.#table.get(jobId);
    // Asked twice, or while it had not ended yet.
    if (!isEnded(job.state)) return;
    if (job.state === 'finished') {
      throw new StopbathError({ code: 'INVALID_INPUT', message: 'This run has finished.', nextStep: 'Go on from one of its steps.' });
    }
    if (this.#keeper.holds(jobId)) {
      await this.keep(jobId);
      return;
    }
    await inputs.check(job.request);
    const from = await runs.checkpoint(jobId);
    if (!isEnded(this.#table.get(jobId).state)) return;
    this.#notes.set(jobId, { ...this.#notesOf(jobId), decodeOnCpu: decodeFailed(job, from) });
    await this.#enqueueFirst(continuedJob(job, from));
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
    if (!isEnded(job.state)) this.#unqueue(jobId);
    await this.#forget(jobId);
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
      this.#settle(job.jobId, false);
    }
    for (const job of waiting) {
      if (runs.knows(job.jobId)) this.#turns.add(job.jobId, 'last');
      else this.#enqueue(job);
    }
    void this.#saveQueue();
    this.#turns.pump();
  }

  async clearGone(): Promise<void> {
    const { library } = this.#options;
    const ended = this.#table.list().filter(({ state, pictures }) => isEnded(state) && pictures.length > 0);
    await library.whenRead();
    for (const { jobId, pictures } of ended) if (!pictures.some(({ id }) => library.has(id))) await this.#forget(jobId);
  }

  async close(): Promise<void> {
    const running = this.#turns.close();
    // From here on the queue file keeps saying what was running: the next session takes it up.
    this.#closing = true;
    await this.#options.queueFile.save(() => this.#stored()).catch(() => undefined);
    await this.#options.engine.close();
    if (running !== null) this.#settle(running, true);
    await Promise.all(this.#settling);
  }

  #control(control: RunControl): void {
    const { jobId } = control;
    // The run may have ended while the person was still turning the knob.
    if (isEnded(this.#table.get(jobId).state)) return;
    if (jobId === this.#turns.running) {
      this.#options.engine.control(control);
      return;
    }
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: 'This job is still waiting; only a running one can be steered.',
      nextStep: 'Wait until it has started.',
    });
  }

  /** No two jobs have the same time: the list of the next session is in its order. */
  #nextTime(): number {
    this.#lastTime = Math.max(Date.now(), this.#lastTime + 1);
    return this.#lastTime;
  }

  #notesOf(jobId: string): JobNotes {
    return this.#notes.get(jobId) ?? { at: this.#nextTime(), decodeOnCpu: false };
  }

  #enqueue(job: JobSnapshot): void {
    const { jobId, request } = job;
    this.#notes.set(jobId, { at: this.#nextTime(), decodeOnCpu: false });
    this.#table.add(job);
    this.#table.apply({ kind: 'queued', jobId, request, position: this.#turns.add(jobId, 'last') });
  }

  async #enqueueFirst(job: JobSnapshot): Promise<void> {
    const { jobId, request } = job;
    this.#table.apply({ kind: 'queued', jobId, request, position: this.#turns.add(jobId, 'first'), job });
    this.#turns.pump();
    await this.#saveQueue();
  }

  #unqueue(jobId: string): void {
    this.#turns.remove(jobId);
    void this.#saveQueue();
  }

  #begin(jobId: string): void {
    void this.#saveQueue();
    this.#options.runs.begin(jobId);
    // From here on it is stopped, not taken out of the queue, also while the engine process is still starting.
    this.#table.apply({ kind: 'loading', jobId, part: 'engine' });
  }

  async #runJob(jobId: string): Promise<void> {
    const event = await this.#run(this.#table.get(jobId), this.#notesOf(jobId));
    if (this.#closing) return;
    this.#turns.ended();
    this.#table.apply(event);
    void this.#saveQueue();
    // A slow disk does not hold up the next job.
    this.#settle(jobId, event.kind !== 'finished');
    await this.#forgetOldest();
  }

  #settle(jobId: string, isUnfinished: boolean): void {
    const settled = this.#options.runs.settle(jobId, { isUnfinished }).finally(() => this.#settling.delete(settled));
    this.#settling.add(settled);
  }

  /** Keeps the run's own record in step, once it has steps of its own. */
  #describe({ kind, jobId }: Pick<JobEvent, 'kind' | 'jobId'>): void {
    const { runs } = this.#options;
    if (kind === 'removed' || kind === 'preview' || !runs.knows(jobId)) return;
    const { at } = this.#notesOf(jobId);
    runs.describe(jobId, () => ({ at, job: this.#table.get(jobId) }), kind !== 'step' && kind !== 'callback-log');
  }

  async #forget(jobId: string): Promise<void> {
    const dropped = this.#options.runs.drop(jobId);
    this.#table.apply({ kind: 'removed', jobId });
    this.#notes.delete(jobId);
    this.#keeper.drop(jobId);
    this.#options.previews.drop(jobId);
    await dropped;
  }

  async #forgetOldest(): Promise<void> {
    const ended = this.#table.list().filter(({ state }) => isEnded(state));
    for (const { jobId } of ended.slice(0, Math.max(0, ended.length - maxEnded))) await this.#forget(jobId);
  }

  #stored(): { queued: StoredJob[]; interrupted: StoredJob[] } {
    const stored = (jobId: string): StoredJob => {
      const { request, breakpoints } = this.#table.get(jobId);
      return { jobId, request, breakpoints };
    };
    const { queued, running } = this.#turns;
    return { queued: queued.map(stored), interrupted: running === null ? [] : [stored(running)] };
  }

  /** Resolves when it is saved, or cannot be; never rejects. */
  async #saveQueue(): Promise<void> {
    if (this.#closing) return;
    try {
      await this.#options.queueFile.save(() => this.#stored());
    } catch (error) {
      if (this.#saveProblemTold) return;
      this.#saveProblemTold = true;
      this.#options.onNotice(toFailure(saveFailure(error, 'the queue')));
    }
  }
}

export function limitBytes({ runsLimitMiB }: Settings): number {
  return runsLimitMiB * 2 ** 20;
}
