import variant from '@jitl/quickjs-singlefile-mjs-release-sync';
import { createHash } from 'node:crypto';
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import { tensorInputNames, type TensorInputName } from '../callbacks/callback.ts';
import { parseStepAnswer } from './answer.ts';
import { Budget } from './budget.ts';
import { type SandboxLimits, turnsAJob } from './limits.ts';
import { capMemory } from './memory.ts';
import { prelude, preludeFile } from './prelude.ts';
import type { LoadRequest, ProblemKind, SandboxAnswer, SourceProblem, StepRequest } from './protocol.ts';
import { findPlace, runSource } from './sources.ts';
import { Tray } from './tray.ts';

/** More C stack than this makes WebAssembly overflow its thread's own stack first, which leaves the interpreter broken. */
const stackBytes = 128 * 1024;
const maxTextLength = 20_000;

/** What QuickJS answers, as something that can be told. */
class Refusal extends Error {
  readonly problem: SourceProblem;
  constructor(problem: SourceProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

interface Place {
  readonly line: number | null;
  readonly column: number | null;
}

const nowhere: Place = { line: null, column: null };

function refusal(kind: ProblemKind, message: string, place = nowhere): Refusal {
  return new Refusal({ kind, message, ...place });
}

interface Described {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly badReturn: string;
}

interface Prelude {
  readonly accept: QuickJSHandle;
  readonly step: QuickJSHandle;
  readonly settle: QuickJSHandle;
  readonly describe: QuickJSHandle;
}

/**
 * One QuickJS with one callback in it. After a problem it is not to be used again: where memory or stack ran out, the
 * interpreter's own state is not what it should be.
 */
export class Interpreter {
  readonly #vm: QuickJSContext;
  readonly #runtime: QuickJSRuntime;
  readonly #limits: SandboxLimits;
  readonly #budget: Budget;
  #prelude: Prelude | null = null;
  readonly #tray = new Tray();
  readonly #isFull: () => boolean;
  /** Lines of the user's text and how far its first one was moved. */
  #source = { lines: 1, shift: 0 };
  #logs: string[] = [];

  private constructor(module: QuickJSWASMModule, limits: SandboxLimits) {
    this.#limits = limits;
    this.#isFull = capMemory(module.getWasmMemory(), limits.memoryMiB);
    this.#budget = new Budget(limits);
    this.#runtime = module.newRuntime();
    this.#runtime.setMaxStackSize(stackBytes);
    this.#runtime.setMemoryLimit(limits.memoryMiB * 2 ** 20);
    this.#runtime.setInterruptHandler(() => this.#budget.poll());
    this.#vm = this.#runtime.newContext();
  }

  static async create(limits: SandboxLimits): Promise<Interpreter> {
    return new Interpreter(await newQuickJSWASMModuleFromVariant(variant), limits);
  }

  /** Runs the source and finds its callback. */
  load({ source, seed }: LoadRequest): SandboxAnswer {
    return this.#guarded(() => {
      if (source.length > this.#limits.sourceLength) {
        const message = `The source has ${source.length} characters; at most ${this.#limits.sourceLength} are read.`;
        throw refusal('source', message);
      }
      this.#source = { lines: source.split('\n').length, shift: 0 };
      this.#prelude = this.#installPrelude(seedsFor(seed, source));
      const result = runSource(this.#vm, source, () => this.#runJobs());
      this.#source = { ...this.#source, shift: result.shift };
      if (result.kind === 'error') throw this.#refusalFor(result.error, 'syntax');
      const names: unknown = JSON.parse(this.#callForText('accept', result.callback, result.names) ?? '[]');
      return { kind: 'loaded', tensorInputs: checkedNames(names), logs: this.#logs };
    });
  }

  /** Asks the callback at the end of a step. */
  step({ facts, latents, cleanEstimate, tensors, buffers, state }: StepRequest): SandboxAnswer {
    return this.#guarded(() => {
      this.#tray.fill(tensors, buffers);
      const request = { facts, slots: { latents, cleanEstimate }, tensors, state };
      const direct = this.#callForText('step', JSON.stringify(request));
      const jobError = this.#runJobs();
      if (jobError !== null) throw this.#refusalFor(jobError, 'threw');
      const text = direct ?? this.#callForText('settle') ?? '';
      const answer = parseStepAnswer(text, this.#limits.stateLength);
      if ('fault' in answer) throw refusal('bad-return', answer.fault);
      return { kind: 'stepped', ...answer, tensors: this.#tray.takeReturned(), logs: this.#logs };
    });
  }

  #guarded(work: () => SandboxAnswer): SandboxAnswer {
    this.#logs = [];
    this.#budget.renew();
    try {
      return work();
    } catch (error) {
      const problem = error instanceof Refusal ? error.problem : this.#crash(error);
      return { kind: 'problem', problem, logs: this.#logs };
    }
  }

  /** WebAssembly itself gave up. */
  #crash(error: unknown): SourceProblem {
    if (this.#isFull()) return { kind: 'memory', message: this.#memoryMessage(), ...nowhere };
    if (error instanceof RangeError) return { kind: 'stack', message: stackMessage, ...nowhere };
    return { kind: 'crashed', message: `The interpreter broke off: ${String(error).slice(0, 200)}`, ...nowhere };
  }

  #installPrelude(seeds: readonly number[]): Prelude {
    const vm = this.#vm;
    const fill = vm.newFunction('fill', (index) => vm.newArrayBuffer(this.#tray.buffer(vm.getNumber(index))));
    const take = vm.newFunction('take', (name, sides, buffer, offset, length) => {
      return vm.getArrayBuffer(buffer).consume(({ value: bytes }) =>
        vm.newString(this.#tray.take(this.#read(name), this.#read(sides), bytes, vm.getNumber(offset), vm.getNumber(length))),
      );
    });
    const log = vm.newFunction('log', (line) => {
      if (this.#logs.length <= this.#limits.logLines) this.#logs.push(this.#read(line));
    });
    const factory = vm.unwrapResult(vm.evalCode(prelude, preludeFile, { type: 'global' }));
    const limits = vm.newString(JSON.stringify(this.#limits));
    const parts = vm.unwrapResult(vm.callFunction(factory, vm.undefined, fill, take, log, limits, vm.newString(JSON.stringify(seeds))));
    const part = (index: number): QuickJSHandle => vm.getProp(parts, index);
    return { accept: part(0), step: part(1), settle: part(2), describe: part(3) };
  }

  /** @returns null when the function did not return a text */
  #callForText(part: keyof Prelude, ...given: readonly (string | QuickJSHandle)[]): string | null {
    const vm = this.#vm;
    const target = this.#part(part);
    const handles = given.map((value) => (typeof value === 'string' ? vm.newString(value) : value));
    const result = vm.callFunction(target, vm.undefined, ...handles);
    handles.forEach((handle, index) => {
      if (typeof given[index] === 'string') handle.dispose();
    });
    if (result.error !== undefined) throw this.#refusalFor(result.error, 'threw');
    // A state is JSON within JSON: every quote of it takes two characters.
    const max = 2 * this.#limits.stateLength + maxTextLength;
    return result.value.consume((value) => (vm.typeof(value) === 'string' ? this.#read(value, max) : null));
  }

  #part(part: keyof Prelude): QuickJSHandle {
    if (this.#prelude === null) throw new Error('No source has been loaded.');
    return this.#prelude[part];
  }

  /** What promises have put off. @returns what one of them threw past everything, or null */
  #runJobs(): QuickJSHandle | null {
    while (this.#runtime.hasPendingJob()) {
      const result = this.#runtime.executePendingJobs(1);
      if (result.error !== undefined) return result.error;
      // Jobs that make more jobs may take no turns that QuickJS counts.
      if (this.#budget.spend(turnsAJob)) throw refusal('time', this.#timeMessage());
    }
    return null;
  }

  #read(handle: QuickJSHandle, max = maxTextLength): string {
    const vm = this.#vm;
    if (vm.typeof(handle) !== 'string') return '';
    const length = vm.getProp(handle, 'length').consume((value) => vm.getNumber(value));
    if (length > max) throw refusal('bad-return', `returned a text of ${length} characters`);
    return vm.getString(handle);
  }

  #refusalFor(error: QuickJSHandle, kind: ProblemKind): Refusal {
    const ended = this.#budget.ended;
    // The description runs code of the user's too (getters), so it has a budget of its own.
    this.#budget.renew(0.1);
    const { name, message, stack, badReturn } = this.#describe(error);
    const place = this.#placeIn(stack);
    if (ended) return refusal('time', this.#timeMessage(), place);
    if (badReturn !== '') return refusal(kind === 'syntax' ? 'source' : 'bad-return', badReturn);
    // With nothing left for an error object, QuickJS throws null.
    const outOfMemory = (name === 'InternalError' && message === 'out of memory') || (name === '' && this.#isFull());
    if (outOfMemory) return refusal('memory', this.#memoryMessage(), place);
    if (name === 'InternalError' && message === 'stack overflow') return refusal('stack', stackMessage, place);
    const told = message.replace(/unexpected token in expression: ''$/, 'the text ends too early');
    const said = [name, told].filter((part) => part !== '').join(': ').slice(0, 500);
    const isSyntax = kind === 'syntax' && name === 'SyntaxError';
    return refusal(isSyntax ? 'syntax' : 'threw', said === '' ? 'threw something without a message' : said, place);
  }

  #describe(error: QuickJSHandle): Described {
    const nothing = { name: '', message: '', stack: '', badReturn: '' };
    const result = this.#vm.callFunction(this.#part('describe'), this.#vm.undefined, error);
    if (result.error !== undefined) return nothing;
    try {
      const parsed: unknown = JSON.parse(this.#read(result.value));
      return { ...nothing, ...Object.fromEntries(Object.entries(parsed ?? {}).filter(([, value]) => typeof value === 'string')) };
    } catch {
      return nothing;
    }
  }

  #placeIn(stack: string): Place {
    const place = findPlace(stack);
    if (place === null) return nowhere;
    // A text that ends too early is found wanting in the line that was put after it.
    if (place.line > this.#source.lines) return { line: this.#source.lines, column: null };
    return { line: place.line, column: place.line === 1 ? Math.max(1, place.column - this.#source.shift) : place.column };
  }

  #timeMessage(): string {
    return `It did not come to an end within ${this.#limits.turns / 1e6} million loop turns and calls, or ${this.#limits.callMs} ms.`;
  }

  #memoryMessage(): string {
    return `It used up its memory of ${this.#limits.memoryMiB} MiB.`;
  }
}

const stackMessage = 'It called itself too many times (stack overflow).';

/** From the run's seed and the source: no two callbacks draw the same numbers. */
function seedsFor(seed: string, source: string): readonly number[] {
  const digest = createHash('sha256').update(`${seed}\n${source}`).digest();
  return [0, 4, 8].map((offset) => digest.readInt32LE(offset));
}

function checkedNames(names: unknown): readonly TensorInputName[] {
  const asked: readonly unknown[] = Array.isArray(names) ? names : [];
  const unknown = asked.filter((name) => !tensorInputNames.some((candidate) => candidate === name));
  if (unknown.length > 0) {
    const message = `callbackOnStepEndTensorInputs asks for ${unknown.join(', ').slice(0, 200)}; there are ${tensorInputNames.join(', ')}.`;
    throw refusal('source', message);
  }
  return tensorInputNames.filter((name) => asked.includes(name));
}
