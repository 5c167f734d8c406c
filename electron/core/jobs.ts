import { randomUUID } from 'node:crypto';
import type { CallOutput, Settings } from '../../shared/contract.ts';
import { StopbathError, toFailure, type Failure } from '../../shared/errors.ts';
import { batchSize } from '../../shared/generation.ts';
import { seedPlus } from '../../shared/infotext.ts';
import { emptySnapshot, isEnded, type JobEvent, type JobSnapshot, type Picture, type Steering } from '../../shared/job.ts';
import type { CheckedInput } from '../../shared/rpc.ts';
import type { EngineHost } from './engineTask.ts';
import { saveFailure } from './files.ts';
import { inputIds, type Inputs } from './inputs.ts';
import { createJobRunner, stoppedEvent } from './jobRunner.ts';
import { createJobTable, type JobTable } from './jobTable.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import type { Library } from './library.ts';
import { checkAgainstModel, type Models } from './models.ts';
import type { Previews } from './previews.ts';
import type { QueueFile, StoredJob } from './queueFile.ts';
import type { Runs } from './runs.ts';

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
  keep(jobId: string): Promise<Picture[]>;
  remove(jobId: string): Promise<void>;
  /** The input pictures that waiting and unfinished jobs name. */
  inputIds(): Set<string>;
  /** Takes up what the last session left. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function createJobs(options: JobsOptions): Jobs {
  return new JobQueue(options);
}

/** Ended jobs beyond this number leave the list, oldest first; their pictures stay in the library. */
const maxEnded = 200;

class JobQueue implements Jobs {
  readonly #options: JobsOptions;
  readonly #table: JobTable;
  readonly #keeper: Keeper;
  readonly #run: (job: JobSnapshot) => Promise<JobEvent>;
  readonly #queued: string[] = [];
  /** Jobs the last session did not bring to an end. */
  readonly #interrupted = new Set<string>();
  readonly #urgent: (() => Promise<void>)[] = [];
  #running: string | null = null;
  #busy = false;
  #closing = false;
  #saveProblemTold = false;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#table = createJobTable(options.onEvent);
    this.#keeper = createKeeper({
      ...options,
      inTurn: (work) => this.#inTurn(work),
      onKept: (jobId, pictures) => this.#kept(jobId, pictures),
    });
    this.#run = createJobRunner({ ...options, keeper: this.#keeper, table: this.#table });
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
    await this.#options.inputs.check(request);
    // A batch uses a seed for each of its pictures; the next job goes on after the last of them.
    const seedsEach = request.batchSeeds === 'per-image' ? batchSize(request) : 1;
    const jobIds = Array.from({ length: count }, (_, index) => {
      const jobId = randomUUID();
      this.#enqueue({ jobId, request: { ...request, seed: seedPlus(request.seed, index * seedsEach) } });
      return jobId;
    });
    this.#saveQueue();
    this.#pump();
    return { jobIds };
  }

  stop(jobId: string): void {
    const job = this.#table.get(jobId);
    if (isEnded(job.state)) {
      // Nothing, unless its picture is being decoded just now.
      this.#options.engine.stop(jobId);
      return;
    }
    if (jobId === this.#running) {
      const { hard } = this.#options.engine.stop(jobId);
      this.#table.apply({ kind: 'stopping', jobId, hard });
      return;
    }
    this.#unqueue(jobId);
    this.#table.apply({ kind: 'stopping', jobId, hard: false });
    this.#table.apply(stoppedEvent(job, { hard: false, keepable: false, stepsDone: 0, trace: null }));
  }

  steer(jobId: string, steering: Steering): void {
    const job = this.#table.get(jobId);
    // The run may have ended while the person was still turning the knob.
    if (isEnded(job.state)) return;
    if (jobId === this.#running) {
      this.#options.engine.steer(jobId, steering);
      return;
    }
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: 'This job is still waiting; only a running one can be steered.',
      nextStep: 'Wait until it has started.',
    });
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
    if (jobId === this.#running) {
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
    const { queued, interrupted } = await this.#options.queueFile.read();
    await this.#options.runs.dropOthers(new Set(interrupted.map(({ jobId }) => jobId)));
    for (const job of interrupted) await this.#takeUpInterrupted(job);
    for (const job of queued) this.#enqueue(job);
    this.#saveQueue();
    this.#pump();
  }

  async close(): Promise<void> {
    const running = this.#running;
    // From here on the queue file keeps saying what was running: the next session takes it up.
    this.#closing = true;
    await this.#options.queueFile.save(() => this.#stored()).catch(() => undefined);
    await this.#options.engine.close();
    if (running !== null) await this.#options.runs.settle(running);
  }

  #kept(jobId: string, pictures: Picture[]): void {
    this.#table.apply({ kind: 'kept', jobId, pictures });
    if (this.#interrupted.delete(jobId)) this.#saveQueue();
  }

  #enqueue({ jobId, request }: StoredJob): void {
    const position = this.#queued.length + (this.#running === null ? 0 : 1);
    this.#queued.push(jobId);
    this.#table.add(emptySnapshot(jobId, request, this.#options.settings().paceMs));
    this.#table.apply({ kind: 'queued', jobId, request, position });
  }

  #unqueue(jobId: string): void {
    const at = this.#queued.indexOf(jobId);
    if (at >= 0) this.#queued.splice(at, 1);
    this.#saveQueue();
  }

  async #takeUpInterrupted({ jobId, request }: StoredJob): Promise<void> {
    const checkpoint = await this.#options.runs.checkpoint(jobId);
    const job = { ...emptySnapshot(jobId, request, this.#options.settings().paceMs), steps: [...(checkpoint?.steps ?? [])] };
    this.#table.add(job);
    this.#interrupted.add(jobId);
    const stepsDone = checkpoint?.stepsDone ?? 0;
    this.#table.apply(stoppedEvent(job, { hard: true, keepable: checkpoint !== null, stepsDone, trace: null }));
  }

  /** Work for the engine that goes before the waiting jobs. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#urgent.push(() => work().then(resolve, reject));
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#busy || this.#closing) return;
    const work = this.#urgent.shift() ?? this.#nextJob();
    if (work === null) return;
    this.#busy = true;
    void work().finally(() => {
      this.#busy = false;
      this.#pump();
    });
  }

  #nextJob(): (() => Promise<void>) | null {
    const jobId = this.#queued.shift();
    if (jobId === undefined) return null;
    this.#running = jobId;
    this.#saveQueue();
    // From here on it is stopped, not taken out of the queue, also while the engine process is still starting.
    this.#table.apply({ kind: 'loading', jobId, part: 'engine' });
    return async () => {
      const event = await this.#run(this.#table.get(jobId));
      if (this.#closing) return;
      this.#running = null;
      this.#table.apply(event);
      this.#saveQueue();
      if (event.kind === 'finished') await this.#options.runs.drop(jobId);
      else await this.#options.runs.settle(jobId);
      await this.#forgetOldest();
    };
  }

  async #forget(jobId: string): Promise<void> {
    this.#table.apply({ kind: 'removed', jobId });
    this.#keeper.drop(jobId);
    this.#options.previews.drop(jobId);
    if (this.#interrupted.delete(jobId)) this.#saveQueue();
    await this.#options.runs.drop(jobId);
  }

  async #forgetOldest(): Promise<void> {
    const ended = this.#table.list().filter(({ state }) => isEnded(state));
    for (const { jobId } of ended.slice(0, Math.max(0, ended.length - maxEnded))) await this.#forget(jobId);
  }

  #stored(): { queued: StoredJob[]; interrupted: StoredJob[] } {
    const stored = (jobId: string): StoredJob => ({ jobId, request: this.#table.get(jobId).request });
    const unfinished = this.#running === null ? [...this.#interrupted] : [...this.#interrupted, this.#running];
    return { queued: this.#queued.map(stored), interrupted: unfinished.map(stored) };
  }

  #saveQueue(): void {
    if (this.#closing) return;
    this.#options.queueFile.save(() => this.#stored()).catch((error: unknown) => {
      if (this.#saveProblemTold) return;
      this.#saveProblemTold = true;
      this.#options.onNotice(toFailure(saveFailure(error, 'the queue')));
    });
  }
}
