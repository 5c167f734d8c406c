import type { CallOutput, EngineStatus } from '../../shared/contract.ts';
import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import { StopbathError, toFailure, type Failure } from '../../shared/errors.ts';
import type { TokenCount } from '../../shared/job.ts';
import { createStderrTail, exitFailure, type StderrTail } from './engineFailure.ts';
import { parseEngineMessage } from './engineMessages.ts';
import { createQuestions, type Questions } from './engineQuestions.ts';
import type { EngineHost, EngineHostOptions, EngineProgress, EngineTask, EngineTaskEnd, RunControl, TokenQuestion } from './engineTask.ts';
import type { EngineExit, EngineProcess } from './host.ts';
import { countOomKills } from './oomKills.ts';

interface Running {
  readonly jobId: string;
  /** Null while it is still being put together. */
  task: EngineTask | null;
  readonly onProgress: (message: EngineProgress) => void;
  readonly end: (end: EngineTaskEnd) => void;
  /** The process was given the task. */
  sent: boolean;
  /** Waits for the task to be sent. */
  controls: RunControl[];
  stopTimer: NodeJS.Timeout | null;
}

interface Child {
  readonly generation: number;
  readonly process: EngineProcess;
  readonly stderr: StderrTail;
  ready: boolean;
  readonly oomKillsBefore: number | null;
  /** Killed by us for not getting ready. */
  givenUp: boolean;
  readonly startTimer: NodeJS.Timeout;
}

export function createEngineHost(options: EngineHostOptions): EngineHost {
  return new EngineSupervisor(options);
}

/** After this many crashes in a row the process is started again only for a task. */
const eagerRestarts = 3;

class EngineSupervisor implements EngineHost {
  readonly #options: Required<EngineHostOptions>;
  readonly #counts: Questions<TokenQuestion, readonly TokenCount[]>;
  readonly #checks: Questions<string, CallOutput<'callbacks.check'>>;
  #status: EngineStatus = { state: 'stopped', generation: 0, provider: null, rungs: [], failure: null };
  #child: Child | null = null;
  #running: Running | null = null;
  #crashes = 0;
  #restartTimer: NodeJS.Timeout | null = null;
  #closed: (() => void) | null = null;
  #closing = false;

  constructor(options: EngineHostOptions) {
    this.#options = {
      stopPatienceMs: 2_000,
      startPatienceMs: 60_000,
      countPatienceMs: 15_000,
      backOffMs: (crashes) => Math.min(250 * 2 ** (crashes - 1), 10_000),
      ...options,
    };
    const patienceMs = this.#options.countPatienceMs;
    const send = (command: EngineCommand): boolean => {
      if (this.#child?.ready !== true) return false;
      this.#child.process.send(command);
      return true;
    };
    this.#counts = createQuestions({
      patienceMs,
      prefix: 'tokens',
      task: 'count tokens',
      send: (requestId, question) => send({ kind: 'count-tokens', requestId, ...question }),
    });
    this.#checks = createQuestions({
      patienceMs,
      prefix: 'callback',
      task: 'read the callback',
      send: (requestId, source) => send({ kind: 'check-callback', requestId, source }),
    });
  }

  status(): EngineStatus {
    return this.#status;
  }

  warmUp(): void {
    this.#ensureChild();
  }

  run(jobId: string, task: EngineTask | Promise<EngineTask>, onProgress: (message: EngineProgress) => void): Promise<EngineTaskEnd> {
    if (this.#running !== null) throw new Error('The engine already has a task.');
    return new Promise((resolve) => {
      const running: Running = { jobId, task: null, onProgress, end: resolve, sent: false, controls: [], stopTimer: null };
      this.#running = running;
      this.#ensureChild();
      if (task instanceof Promise) this.#await(running, task);
      else running.task = task;
      this.#sendTask();
    });
  }

  countTokens(question: TokenQuestion): Promise<readonly TokenCount[]> {
    return this.#ask(this.#counts, question);
  }

  checkCallback(source: string): Promise<CallOutput<'callbacks.check'>> {
    return this.#ask(this.#checks, source);
  }

  stop(jobId: string): { hard: boolean } {
    const running = this.#running;
    if (running === null || running.jobId !== jobId) return { hard: false };
    if (!running.sent) {
      this.#endTask({ kind: 'abandoned', hard: false });
      return { hard: false };
    }
    if (running.stopTimer !== null) {
      this.#replaceChild();
      return { hard: true };
    }
    this.#child?.process.send({ kind: 'stop', jobId });
    running.stopTimer = setTimeout(() => this.#replaceChild(), this.#options.stopPatienceMs);
    this.#setStatus({ state: 'stopping' });
    return { hard: false };
  }

  control(control: RunControl): void {
    const running = this.#running;
    if (running === null || running.jobId !== control.jobId) return;
    if (running.sent) this.#child?.process.send(control);
    else running.controls.push(control);
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#endTask({ kind: 'abandoned', hard: true });
    this.#dropQuestions({ code: 'ENGINE_START', message: 'Stopbath is closing.' });
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    child.process.send({ kind: 'shutdown' });
    // A native call in progress hears nothing.
    const timer = setTimeout(() => child.process.kill(), 500);
    await gone;
    clearTimeout(timer);
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

  #dropQuestions(failure: Failure): void {
    this.#counts.drop(failure);
    this.#checks.drop(failure);
  }

  #ensureChild(): void {
    if (this.#closing || this.#child !== null) return;
    // A start is due: a task waits for it rather than hurrying a process that keeps crashing.
    if (this.#restartTimer !== null) return;
    const generation = this.#status.generation + 1;
    this.#setStatus({ state: 'starting', generation, provider: null, rungs: [] });
    const process = this.#options.start();
    const stderr = createStderrTail();
    const startTimer = setTimeout(() => {
      stderr.add(`No sign of life within ${this.#options.startPatienceMs} ms.\n`);
      if (this.#child?.generation === generation) this.#child.givenUp = true;
      process.kill();
    }, this.#options.startPatienceMs);
    this.#child = { generation, process, stderr, ready: false, givenUp: false, oomKillsBefore: countOomKills(), startTimer };
    process.onStderr((text) => stderr.add(text));
    process.onMessage((message) => this.#receive(generation, message));
    process.onExit((exit) => this.#exited(generation, exit));
  }

  #sendTask(): void {
    const running = this.#running;
    const child = this.#child;
    if (running === null || running.task === null || running.sent || child === null || !child.ready) return;
    running.sent = true;
    child.process.send(running.task);
    for (const control of running.controls) child.process.send(control);
    this.#setStatus({ state: 'loading' });
  }

  #await(running: Running, task: Promise<EngineTask>): void {
    task.then(
      (ready) => {
        if (this.#running !== running) return;
        running.task = ready;
        this.#sendTask();
      },
      (error: unknown) => {
        if (this.#running === running) this.#endTask({ kind: 'failed', failure: toFailure(error) });
      },
    );
  }

  #receive(generation: number, value: unknown): void {
    const child = this.#child;
    if (child === null || child.generation !== generation) return;
    const parsed = parseEngineMessage(value);
    if ('problem' in parsed) {
      child.stderr.add(`The engine sent what is no message: ${parsed.problem}\n`);
      return;
    }
    this.#take(child, parsed.message);
  }

  #take(child: Child, message: EngineMessage): void {
    switch (message.kind) {
      case 'ready':
        child.ready = true;
        clearTimeout(child.startTimer);
        this.#setStatus({ state: 'ready', failure: null });
        this.#sendTask();
        this.#counts.sendWaiting();
        this.#checks.sendWaiting();
        return;
      case 'tokens':
        this.#counts.answer(message.requestId, message.counts);
        return;
      case 'tokens-failed':
        this.#counts.refuse(message.requestId, message.failure);
        return;
      case 'callback-checked':
        this.#checks.answer(message.requestId, message.check);
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

  #exited(generation: number, exit: EngineExit): void {
    const child = this.#child;
    if (child === null || child.generation !== generation) return;
    clearTimeout(child.startTimer);
    this.#child = null;
    if (this.#closing) {
      this.#setStatus({ state: 'stopped' });
      this.#closed?.();
      return;
    }
    const [before, now] = [child.oomKillsBefore, countOomKills()];
    const failure = exitFailure({
      exit,
      stderr: child.stderr.text(),
      phase: child.ready ? 'run' : 'start',
      oomKilled: child.givenUp ? false : before === null || now === null ? null : now > before,
    });
    this.#crashes++;
    this.#dropQuestions(failure);
    this.#setStatus({ state: 'crashed', failure, provider: null });
    this.#restartLater();
    // A task whose stop was under way when the process died is stopped, not failed.
    const stopping = this.#running !== null && this.#running.stopTimer !== null;
    this.#endTask(stopping ? { kind: 'abandoned', hard: true } : { kind: 'failed', failure });
  }

  #restartLater(): void {
    if (this.#crashes > eagerRestarts) return;
    this.#restartTimer = setTimeout(() => {
      this.#restartTimer = null;
      this.#ensureChild();
    }, this.#options.backOffMs(this.#crashes));
  }

  /** The hard stop. The old process is forgotten before it is dead: nothing it still says counts. */
  #replaceChild(): void {
    const child = this.#child;
    this.#child = null;
    if (child !== null) {
      clearTimeout(child.startTimer);
      child.process.kill();
    }
    this.#dropQuestions({ code: 'ENGINE_CRASH', message: 'The engine was replaced.' });
    this.#ensureChild();
    this.#endTask({ kind: 'abandoned', hard: true });
  }

  #endTask(end: EngineTaskEnd): void {
    const running = this.#running;
    if (running === null) return;
    if (running.stopTimer !== null) clearTimeout(running.stopTimer);
    this.#running = null;
    running.end(end);
  }

  #setStatus(change: Partial<EngineStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.onStatus(this.#status);
  }
}
