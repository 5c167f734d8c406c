import { Worker } from 'node:worker_threads';
import { type SandboxLimits, startLimitMs } from './limits.ts';
import type { ProblemAnswer, ProblemKind, SandboxAnswer, SandboxMessage, SandboxRequest } from './protocol.ts';

/** Beside this module in the sources; an entry of its own in the build, whose shared parts may lie one folder down. */
function workerEntry(): URL {
  if (import.meta.url.endsWith('.ts')) return new URL('./worker.ts', import.meta.url);
  return new URL(/\/chunks\/[^/]*$/.test(import.meta.url) ? '../sandbox.js' : './sandbox.js', import.meta.url);
}

/** Enough for QuickJS's own stack limit to be met first. */
const stackSizeMb = 8;
const heapMb = 192;

/**
 * A thread with one interpreter in it, which answers one request at a time and can be ended at any moment. (Ending a thread
 * aborts the process when that thread is inside ONNX Runtime; this one never loads it.)
 */
export class SandboxThread {
  readonly #worker: Worker;
  readonly #hangMs: number;
  #settle: ((answer: SandboxMessage) => void) | null = null;
  #over: ProblemAnswer | null = null;

  private constructor(limits: SandboxLimits) {
    this.#hangMs = limits.hangMs;
    this.#worker = new Worker(workerEntry(), {
      workerData: limits,
      name: 'callback',
      // Nothing of the process is handed down: no variables, no arguments, no streams.
      env: {},
      argv: [],
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { stackSizeMb, maxOldGenerationSizeMb: heapMb },
    });
    this.#worker.on('message', (message: SandboxMessage) => this.#settle?.(message));
    this.#worker.on('error', (error) => this.#finish('crashed', `Its thread broke off: ${String(error).slice(0, 200)}`));
    this.#worker.on('exit', () => this.#finish('crashed', 'Its thread came to an end.'));
    // A callback is no reason for the process to go on. (After the listeners: those take hold of it again.)
    this.#worker.unref();
  }

  /** @returns the thread with its interpreter ready, or why there is none */
  static async start(limits: SandboxLimits): Promise<SandboxThread | ProblemAnswer> {
    const thread = new SandboxThread(limits);
    const message = await thread.#wait(startLimitMs, () => undefined);
    if (message.kind === 'ready') return thread;
    return message.kind === 'problem' ? message : problem('crashed', 'It answered before it was asked.');
  }

  /** Never rejects; a thread that has ended, or does not answer in time, is a problem. */
  async request(request: SandboxRequest): Promise<SandboxAnswer> {
    const message = await this.#wait(this.#hangMs, () => this.#worker.postMessage(request));
    return message.kind === 'ready' ? problem('crashed', 'It started anew.') : message;
  }

  /** At once, whatever it is doing; a request under way is answered with a problem. */
  end(): void {
    this.#finish('crashed', 'It was ended.');
  }

  #finish(kind: ProblemKind, message: string): void {
    if (this.#over !== null) return;
    this.#over = problem(kind, message);
    this.#settle?.(this.#over);
    void this.#worker.terminate();
  }

  #wait(limitMs: number, ask: () => void): Promise<SandboxMessage> {
    if (this.#over !== null) return Promise.resolve(this.#over);
    return new Promise((resolve) => {
      // An answer may lie waiting behind a timer that is late itself: one turn for it to be read.
      const timer = setTimeout(() => {
        setImmediate(() => {
          if (this.#settle === settle) this.#finish('hung', `It did not answer for ${limitMs} ms, and was ended.`);
        });
      }, limitMs);
      const settle = (message: SandboxMessage): void => {
        clearTimeout(timer);
        this.#settle = null;
        resolve(message);
      };
      this.#settle = settle;
      ask();
    });
  }
}

function problem(kind: ProblemKind, message: string): ProblemAnswer {
  return { kind: 'problem', problem: { kind, message, line: null, column: null }, logs: [] };
}
