import { StopbathError } from '../../../shared/errors.ts';
import type { NextStep, StepCallback, StepEnd, StepPatch, StepTensors, TensorInputName } from '../callbacks/callback.ts';
import { defaultLimits } from './defaultLimits.ts';
import type { SandboxLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import type { SourceProblem, StepAnswer } from './protocol.ts';
import { SandboxThread } from './thread.ts';

/** Why a callback was switched off. */
export interface CallbackProblem extends SourceProblem {
  readonly name: string;
  /** 0-based index of the step it was asked at. */
  readonly stepIndex: number;
}

/** What a callback is when a step is done; plain data, for a checkpoint. */
export interface UserCallbackState {
  /** `run.state` as JSON. */
  readonly state: string;
  readonly problem: CallbackProblem | null;
}

export interface SandboxedCallback extends StepCallback {
  /** As it stands after the last call; a callback made with it as `restored` goes on from there. */
  snapshot(): UserCallbackState;
  /** Ends its thread, at once; a call under way changes nothing any more. */
  dispose(): void;
}

export interface UserCallbackOptions {
  /** For messages. */
  readonly name: string;
  /** The run's seed: what `Math.random` draws from. */
  readonly seed: string;
  /** Told once, when the callback is switched off; the run goes on as if it were not there. */
  readonly onProblem: (problem: CallbackProblem) => void;
  /** What one call wrote; stepIndex -1: the source's own top level. */
  readonly onLog: (lines: readonly string[], stepIndex: number) => void;
  /** Of the checkpoint that the run goes on from. */
  readonly restored?: UserCallbackState;
  readonly limits?: Partial<SandboxLimits>;
}

/**
 * A step-end callback from a JavaScript text, run by QuickJS in a thread of its own. It sees copies of tensors and numbers,
 * and gives back a patch; nothing else of the process is there for it.
 * @throws StopbathError `INVALID_INPUT`, field `callbacks`, when the source cannot be read or holds no callback: before
 * anything runs. What goes wrong at a step never throws: the callback is switched off and `onProblem` is told.
 */
export async function createUserCallback(source: string, options: UserCallbackOptions): Promise<SandboxedCallback> {
  const { name, seed, restored } = options;
  const state = { state: restored?.state ?? '{}', problem: restored?.problem ?? null };
  if (state.problem !== null) return switchedOff(name, state);
  const loaded = await loadSource(source, seed, options.limits);
  if ('problem' in loaded) throw sourceError(name, loaded.problem);
  if (loaded.logs.length > 0) options.onLog(loaded.logs, -1);
  return new RunningCallback(loaded, options, state);
}

export type SourceCheck =
  | { readonly ok: true; readonly tensorInputs: readonly TensorInputName[] }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

/** What an editor asks while somebody writes. The source's own top level is run, as it would be before a run. */
export async function checkSource(source: string, limits?: Partial<SandboxLimits>): Promise<SourceCheck> {
  const loaded = await loadSource(source, '0', limits);
  if ('problem' in loaded) {
    const { message, line, column } = loaded.problem;
    return { ok: false, line: line ?? 1, column: column ?? 1, message };
  }
  loaded.thread.end();
  return { ok: true, tensorInputs: loaded.tensorInputs };
}

interface Loaded {
  readonly thread: SandboxThread;
  readonly tensorInputs: readonly TensorInputName[];
  readonly logs: readonly string[];
}

async function loadSource(
  source: string,
  seed: string,
  limits: Partial<SandboxLimits> = {},
): Promise<Loaded | { readonly problem: SourceProblem }> {
  const thread = await SandboxThread.start({ ...defaultLimits, ...limits });
  if (!(thread instanceof SandboxThread)) return thread;
  const answer = await thread.request({ kind: 'load', source, seed });
  if (answer.kind === 'loaded') return { thread, tensorInputs: answer.tensorInputs, logs: answer.logs };
  thread.end();
  return answer.kind === 'problem' ? answer : { problem: { kind: 'crashed', message: 'It answered something else.', line: null, column: null } };
}

class RunningCallback implements SandboxedCallback {
  readonly name: string;
  readonly callbackOnStepEndTensorInputs: readonly TensorInputName[];
  readonly #thread: SandboxThread;
  readonly #options: UserCallbackOptions;
  readonly #outbox = new Outbox();
  #state: UserCallbackState;
  #disposed = false;

  constructor({ thread, tensorInputs }: Loaded, options: UserCallbackOptions, state: UserCallbackState) {
    this.name = options.name;
    this.callbackOnStepEndTensorInputs = tensorInputs;
    this.#thread = thread;
    this.#options = options;
    this.#state = state;
  }

  // A property, as it is handed around without its object.
  readonly callbackOnStepEnd = async (
    run: StepEnd,
    stepIndex: number,
    _timestep: number,
    tensors: StepTensors,
    next?: NextStep,
  ): Promise<StepPatch | undefined> => {
    if (this.#disposed || this.#state.problem !== null) return undefined;
    const answer = await this.#thread.request(this.#outbox.stepRequest(run, tensors, next, this.#state.state));
    if (this.#isOver()) return undefined;
    if (answer.kind !== 'loaded' && answer.logs.length > 0) this.#options.onLog(answer.logs, stepIndex);
    if (answer.kind !== 'stepped') {
      this.#switchOff(answer.kind === 'problem' ? answer.problem : unexpected, stepIndex);
      return undefined;
    }
    this.#state = { ...this.#state, state: answer.state };
    return patchOf(answer);
  };

  snapshot(): UserCallbackState {
    return this.#state;
  }

  dispose(): void {
    this.#disposed = true;
    this.#thread.end();
  }

  #isOver(): boolean {
    return this.#disposed;
  }

  #switchOff(problem: SourceProblem, stepIndex: number): void {
    this.#thread.end();
    const told = { ...problem, name: this.name, stepIndex };
    this.#state = { ...this.#state, problem: told };
    this.#options.onProblem(told);
  }
}

const unexpected: SourceProblem = { kind: 'crashed', message: 'It answered something else.', line: null, column: null };

function switchedOff(name: string, state: UserCallbackState): SandboxedCallback {
  return {
    name,
    callbackOnStepEndTensorInputs: [],
    callbackOnStepEnd: () => undefined,
    snapshot: () => state,
    dispose: () => undefined,
  };
}

function sourceError(name: string, { message, line, column }: SourceProblem): StopbathError {
  const place = line === null ? '' : ` (line ${line}${column === null ? '' : `, column ${column}`})`;
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'callbacks',
    message: `The callback "${name}" cannot be used: ${message}${place}`,
    nextStep: 'Correct its source, or take it out of the list.',
  });
}

/** @returns the sentence for a person: what went wrong, where, and what became of it */
export function describeProblem({ name, message, line, stepIndex }: CallbackProblem): string {
  const said = message.startsWith('returned') || message.startsWith('threw') ? `it ${message}` : message.replace(/\.$/, '');
  return `The callback "${name}" was switched off after step ${stepIndex + 1}${line === null ? '' : `, line ${line}`}: ${said}.`;
}

function patchOf({ interrupt, guidanceScale, guidanceRescale, tensors }: StepAnswer): StepPatch {
  return {
    ...(interrupt ? { interrupt } : {}),
    ...(guidanceScale === null ? {} : { guidanceScale }),
    ...(guidanceRescale === null ? {} : { guidanceRescale }),
    ...(tensors.length === 0 ? {} : { tensors: Object.fromEntries(tensors.map(({ name, dims, data }) => [name, { dims, data }])) }),
  };
}
