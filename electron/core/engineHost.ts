import type { CallOutput, EngineStatus } from '../../shared/contract.ts';
import type { EngineMessage, OpenedCheckpoint } from '../../shared/engineProtocol.ts';
import { StopbathError, toFailure, type Failure } from '../../shared/errors.ts';
import type { TokenCount } from '../../shared/job.ts';
import type { Forecast } from '../../shared/models.ts';
import { createAllQuestions, isAnswer, type AllQuestions } from './allQuestions.ts';
import { startEngineChild, type EngineChild } from './engineChild.ts';
import type { Questions } from './engineQuestions.ts';
import type {
  AdapterRead,
  CheckpointQuestion,
  EngineHost,
  EngineHostOptions,
  EngineProgress,
  EngineTask,
  EngineTaskEnd,
  Examined,
  ExamineQuestion,
  ForecastQuestion,
  RunControl,
  TokenQuestion,
} from './engineTask.ts';
import { createRunningTask, type RunningTask } from './runningTask.ts';

export function createEngineHost(options: EngineHostOptions): EngineHost {
  return new EngineSupervisor(options);
}

/** After this many crashes in a row the process is started again only for a task. */
const eagerRestarts = 3;

class EngineSupervisor implements EngineHost {
  readonly #options: Required<EngineHostOptions>;
  readonly #questions: AllQuestions;
  #status: EngineStatus = { state: 'stopped', generation: 0, provider: null, rungs: [], failure: null };
  #child: EngineChild | null = null;
  #running: RunningTask | null = null;
  #crashes = 0;
  #restartTimer: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(options: EngineHostOptions) {
    this.#options = {
      stopPatienceMs: 2_000,
      startPatienceMs: 60_000,
      countPatienceMs: 15_000,
      readPatienceMs: 20 * 60_000,
      backOffMs: (crashes) => Math.min(250 * 2 ** (crashes - 1), 10_000),
      ...options,
    };
    this.#questions = createAllQuestions(this.#options, (command) => {
      if (this.#child?.isReady() !== true) return false;
      this.#child.send(command);
      return true;
    });
  }

  status(): EngineStatus {
    return this.#status;
  }

  warmUp(): void {
    this.#ensureChild();
  }

  restart(): void {
    if (this.#closing || this.#running !== null || this.#child === null) return;
    this.#replaceChild();
  }

  run(jobId: string, task: EngineTask | Promise<EngineTask>, onProgress: (message: EngineProgress) => void): Promise<EngineTaskEnd> {
    if (this.#running !== null) throw new Error('The engine already has a task.');
    return new Promise((resolve) => {
      const running = createRunningTask(jobId, { onProgress, onEnd: resolve });
      this.#running = running;
      this.#ensureChild();
      if (task instanceof Promise) this.#await(running, task);
      else running.ready(task);
      this.#sendTask();
    });
  }

  countTokens(question: TokenQuestion): Promise<readonly TokenCount[]> {
    return this.#ask(this.#questions.counts, question);
  }

  checkCallback(source: string): Promise<CallOutput<'callbacks.check'>> {
    return this.#ask(this.#questions.checks, source);
  }

  examine(question: ExamineQuestion): Promise<Examined> {
    return this.#ask(this.#questions.examinations, question);
  }

  openCheckpoint(question: CheckpointQuestion): Promise<OpenedCheckpoint> {
    return this.#ask(this.#questions.checkpoints, question);
  }

  readAdapter(file: string): Promise<AdapterRead> {
    return this.#ask(this.#questions.adapters, file);
  }

  forecast(question: ForecastQuestion): Promise<Forecast> {
    return this.#ask(this.#questions.forecasts, question);
  }

  stop(jobId: string): { hard: boolean } {
    const running = this.#running;
    if (running === null || running.jobId !== jobId) return { hard: false };
    if (!running.isSent) {
      this.#endTask({ kind: 'abandoned', hard: false });
      return { hard: false };
    }
    if (running.isStopping) {
      this.#replaceChild();
      return { hard: true };
    }
    running.stop(this.#child, this.#options.stopPatienceMs, () => this.#replaceChild());
    this.#setStatus({ state: 'stopping' });
    return { hard: false };
  }

  control(control: RunControl): void {
    if (this.#running?.jobId === control.jobId) this.#running.control(control, this.#child);
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#endTask({ kind: 'abandoned', hard: true });
    this.#questions.drop({ code: 'ENGINE_START', message: 'Stopbath is closing.' });
    if (this.#child === null) return;
    await this.#child.shutDown();
    this.#child = null;
    this.#setStatus({ state: 'stopped' });
  }

  #ask<Q, A>(questions: Questions<Q, A>, question: Q): Promise<A> {
    if (this.#closing) return Promise.reject(new StopbathError({ code: 'ENGINE_START', message: 'Stopbath is closing.' }));
    // An engine that keeps crashing is not started for a word beside a text field.
    if (this.#child === null && this.#crashes > eagerRestarts) {
      return Promise.reject(new StopbathError({ code: 'ENGINE_START', message: 'The engine keeps ending; the next run starts it again.' }));
    }
    this.#ensureChild();
    return questions.ask(question);
  }

  #ensureChild(): void {
    if (this.#closing || this.#child !== null) return;
    // A start is due: a task waits for it rather than hurrying a process that keeps crashing.
    if (this.#restartTimer !== null) return;
    this.#setStatus({ state: 'starting', generation: this.#status.generation + 1, provider: null, rungs: [] });
    const { start, startPatienceMs } = this.#options;
    this.#child = startEngineChild({
      start,
      startPatienceMs,
      onMessage: (message) => this.#take(message),
      onExit: (failure) => this.#crashed(failure),
    });
  }

  #sendTask(): void {
    if (this.#child !== null && this.#running?.sendTo(this.#child) === true) this.#setStatus({ state: 'loading' });
  }

  #await(running: RunningTask, task: Promise<EngineTask>): void {
    task.then(
      (ready) => {
        if (this.#running !== running) return;
        running.ready(ready);
        this.#sendTask();
      },
      (error: unknown) => {
        if (this.#running === running) this.#endTask({ kind: 'failed', failure: toFailure(error) });
      },
    );
  }

  #take(message: EngineMessage): void {
    if (isAnswer(message)) {
      // It has loaded a model and lived.
      if (message.kind === 'examined') this.#crashes = 0;
      this.#questions.take(message);
      return;
    }
    switch (message.kind) {
      case 'ready':
        this.#setStatus({ state: 'ready', failure: null });
        this.#sendTask();
        this.#questions.sendWaiting();
        return;
      case 'device':
        this.#setStatus({ provider: message.provider, rungs: message.rungs });
        return;
    }
    const running = this.#running;
    if (running === null || running.jobId !== message.jobId) return;
    switch (message.kind) {
      case 'finished':
      case 'stopped':
      case 'decoded':
      case 'failed':
        this.#crashes = 0;
        this.#endTask(message);
        this.#setStatus({ state: 'ready' });
        return;
      case 'step':
        if (this.#status.state === 'loading') this.#setStatus({ state: 'running' });
        break;
      default:
        break;
    }
    running.onProgress(message);
  }

  #crashed(failure: Failure): void {
    this.#child = null;
    this.#crashes++;
    this.#questions.drop(failure);
    this.#setStatus({ state: 'crashed', failure, provider: null });
    this.#restartLater();
    // A task whose stop was under way when the process died is stopped, not failed.
    const stopping = this.#running?.isStopping === true;
    this.#endTask(stopping ? { kind: 'abandoned', hard: true } : { kind: 'failed', failure });
  }

  #restartLater(): void {
    if (this.#crashes > eagerRestarts) return;
    this.#restartTimer = setTimeout(() => {
      this.#restartTimer = null;
      this.#ensureChild();
    }, this.#options.backOffMs(this.#crashes));
  }

  /** The hard stop. */
  #replaceChild(): void {
    this.#child?.discard();
    this.#child = null;
    this.#questions.askAgain({ code: 'ENGINE_CRASH', message: 'The engine was replaced.' });
    this.#ensureChild();
    this.#endTask({ kind: 'abandoned', hard: true });
  }

  #endTask(end: EngineTaskEnd): void {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    running.end(end);
  }

  #setStatus(change: Partial<EngineStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.onStatus(this.#status);
  }
}
