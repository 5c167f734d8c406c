import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import { assertNever, toFailure } from '../../shared/errors.ts';
import { readLoraTags, takesLoraTags } from '../../shared/loraTags.ts';
import type { StepCallback } from './callbacks/callback.ts';
import { RunControls } from './callbacks/runControls.ts';
import { turn } from './denoise.ts';
import type { EngineOptions } from './engineOptions.ts';
import { runGenerateJob } from './generateJob.ts';
import type { GenerateCommand, GenerateJob } from './generation.ts';
import type { NoiseModel } from './guidance/condition.ts';
import { type GuidedCalls, guidedCallsOnCpu, type GuidedInput, measureGuidedCalls, predictGuided } from './guidance/guidedPrediction.ts';
import { LoadedModel } from './loadedModel.ts';
import { forkedProber, judge, type Prober } from './ort/prober.ts';
import { runProbe } from './ort/probe.ts';
import { forkedVariantProber, probeVariantHere } from './ort/variantProbe.ts';
import { knownMissing } from './ort/knownMissing.ts';
import { Providers } from './ort/providers.ts';
import { openSession } from './ort/session.ts';
import { openTokenCounter } from './pipelines/tokenCounter.ts';
import { answerQuestion, type EngineQuestion } from './questions.ts';
import { Pauses } from './steering/pauses.ts';
import { finishImages } from './tasks/pictureInput.ts';
import { tensorFromPlain } from './tensor/tensor.ts';
import { warnPerson } from './warn.ts';

type DecodeCommand = Extract<EngineCommand, { kind: 'decode' }>;
type CountCommand = Extract<EngineCommand, { kind: 'count-tokens' }>;
type CheckCommand = Extract<EngineCommand, { kind: 'check-callback' }>;

interface Running {
  readonly job: GenerateJob;
  readonly abort: AbortController;
}

/**
 * Runs one task at a time, in the order given, and keeps the model of the last one loaded.
 * Every task ends with exactly one of `finished`, `stopped`, `decoded`, `failed`, and says nothing after it.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #model: LoadedModel;
  readonly #running = new Map<string, Running>();
  readonly #guidedCalls = new Map<string, GuidedCalls>();
  /** Sizes for which a loaded model has been called in both ways. */
  readonly #warmShapes = new WeakMap<NoiseModel, Set<string>>();
  #queue: Promise<void> = Promise.resolve();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#model = new LoadedModel(options);
  }

  /** @returns a promise that settles when the task has ended; it never rejects. */
  handle(command: Exclude<EngineCommand, { kind: 'shutdown' | 'self-test' }>): Promise<void> {
    switch (command.kind) {
      case 'generate':
        return this.generate(command);
      case 'decode':
        return this.#enqueue(command.jobId, () => this.#decode(command));
      case 'stop':
        this.#running.get(command.jobId)?.abort.abort();
        return Promise.resolve();
      case 'steer':
        this.#running.get(command.jobId)?.job.controls.steer(command.steering);
        return Promise.resolve();
      case 'pause':
        this.#running.get(command.jobId)?.job.pauses.pause();
        return Promise.resolve();
      case 'resume':
        this.#running.get(command.jobId)?.job.pauses.resume(command.steps);
        return Promise.resolve();
      case 'breakpoints':
        this.#running.get(command.jobId)?.job.pauses.setBreakpoints(command.breakpoints);
        return Promise.resolve();
      case 'count-tokens':
        return this.#countTokens(command);
      case 'check-callback':
        return this.#checkCallback(command);
      case 'examine':
        return this.#inTurn(async () => {
          // Its parts are loaded one after the other: beside another model there may be no room.
          await this.#model.release();
          await this.#answer(command);
        });
      case 'open-checkpoint':
      case 'read-adapter':
        return this.#answer(command);
      case 'forecast':
        return this.#forecast(command);
      default:
        return assertNever(command);
    }
  }

  /** `generate` with callbacks of the caller's own, for whoever runs the engine in the same process. */
  generate(command: GenerateCommand, callbacks: readonly StepCallback[] = []): Promise<void> {
    const { request, paceMs, jobId } = command;
    const abort = new AbortController();
    const job: GenerateJob = { command, controls: new RunControls(request, paceMs), pauses: new Pauses(), signal: abort.signal, callbacks };
    this.#running.set(jobId, { job, abort });
    return this.#enqueue(jobId, () => this.#generate(job)).finally(() => this.#running.delete(jobId));
  }

  async #answer(question: EngineQuestion): Promise<void> {
    this.#options.emit(await answerQuestion(question, this.#options));
  }

  /** At once: it reads small files only. */
  async #forecast({ requestId, use, request }: Extract<EngineCommand, { kind: 'forecast' }>): Promise<void> {
    try {
      this.#options.emit({ kind: 'forecast-made', requestId, forecast: await this.#model.forecast(use, request) });
    } catch (error) {
      this.#options.emit({ kind: 'question-failed', requestId, failure: toFailure(error) });
    }
  }

  /** Behind the tasks that were given before. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  #enqueue(jobId: string, work: () => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await work();
      } catch (error) {
        this.#options.emit({ kind: 'failed', jobId, failure: toFailure(error) });
      }
    });
  }

  async #generate(job: GenerateJob): Promise<void> {
    const { command } = job;
    const { jobId, request, previewMode } = command;
    const { emit } = this.#options;
    const onPart = (part: string): void => emit({ kind: 'loading', jobId, part });
    const log = (text: string): void => this.#options.warn?.(text);
    const warn = warnPerson(jobId, emit, log);
    try {
      await runGenerateJob(job, {
        emit,
        warn,
        log,
        open: () => this.#model.open(command, { request, task: request.task, decodesPreviews: previewMode === 'decoder', onPart, warn }),
        guidedCalls: (model, example) => this.#chooseCalls(model, example, job.signal),
      });
    } finally {
      await this.#model.rest();
    }
  }

  async #decode(command: DecodeCommand): Promise<void> {
    const { jobId, latents, request, inputs } = command;
    const onPart = (part: string): void => this.#options.emit({ kind: 'loading', jobId, part });
    // Decoding needs no more than text-to-image does, whatever the task was.
    const { pipeline } = await this.#model.open(command, { request, task: 'text-to-image', decodesPreviews: false, onPart });
    try {
      const images = finishImages(await pipeline.decode(tensorFromPlain(latents)), request, inputs);
      this.#options.emit({ kind: 'decoded', jobId, images });
    } finally {
      await this.#model.rest();
    }
  }

  /** At once, in a thread of its own. */
  async #checkCallback({ requestId, source }: CheckCommand): Promise<void> {
    // Most engines never need an interpreter.
    const { checkSource } = await import('./sandbox/userCallback.ts');
    const check = await checkSource(source);
    this.#options.emit({ kind: 'callback-checked', requestId, check: check.ok ? { ok: true, tensorInputs: [...check.tensorInputs] } : check });
  }

  /** At once: it needs the tokenizers only, and somebody is typing. */
  async #countTokens({ requestId, modelFolder, texts, syntax }: CountCommand): Promise<void> {
    try {
      const counter = await openTokenCounter(modelFolder);
      this.#options.emit({ kind: 'tokens', requestId, counts: texts.map((text) => counter.count(withoutTags(text, syntax), syntax)) });
    } catch (error) {
      this.#options.emit({ kind: 'tokens-failed', requestId, failure: toFailure(error) });
    }
  }

  /** On the CPU by a rule, so that a run is reproducible bit by bit. Elsewhere what measures faster, once per model and size. */
  async #chooseCalls(model: NoiseModel, example: GuidedInput, signal: AbortSignal): Promise<GuidedCalls> {
    // By the size alone: a run that goes on unguided may be guided again by steering.
    if (this.#model.provider === 'cpu') return guidedCallsOnCpu(example.sample);
    if (example.unconditional === null) return 'two-singles';
    const key = `${this.#model.key} ${example.sample.dims.join('x')}`;
    const mayCall = async (): Promise<boolean> => {
      await turn();
      return !signal.aborted;
    };
    const warm = this.#warmShapes.get(model) ?? new Set<string>();
    this.#warmShapes.set(model, warm);
    const known = this.#guidedCalls.get(key);
    if (known === undefined) {
      const measured = await measureGuidedCalls(model, example, mayCall);
      if (measured === null) return 'two-singles';
      this.#guidedCalls.set(key, measured);
      warm.add(key);
      return measured;
    }
    // Loaded anew, the model has no kernels yet: those of the guided call are made in the first step, those of the call it is to be
    // after guidance has ended would be made in the middle of the run.
    if (known === 'one-batch' && !warm.has(key) && (await predictGuided(model, { ...example, unconditional: null }, known, mayCall)) !== null) warm.add(key);
    return known;
  }
}

/** As a run reads it; a tag that is half typed is text still. */
function withoutTags(text: string, promptSyntax: CountCommand['syntax']): string {
  if (!takesLoraTags({ promptSyntax })) return text;
  try {
    return readLoraTags(text).text;
  } catch {
    return text;
  }
}

export interface EngineSurroundings {
  readonly emit: (message: EngineMessage) => void;
  /** The module to start for a probe: see `forkedProber`. */
  readonly probeEntry: string;
  readonly warn: (text: string) => void;
}

/** Where results that may outlive the process are kept; set by the host. */
export const cacheVariable = 'STOPBATH_CACHE_DIR';

/** The engine with the real ONNX Runtime. */
export function createEngine({ emit, probeEntry, warn }: EngineSurroundings): Engine {
  const cacheFolder = process.env[cacheVariable] ?? null;
  // There `child_process.fork` would start the app again (the runAsNode fuse is off). The engine is a process of its own
  // already: a driver that crashes ends it, and what was noted before keeps the next one from trying again.
  const inElectron = process.versions['electron'] !== undefined;
  const probe: Prober = inElectron
    ? async (provider) => judge(provider, await runProbe(provider), '')
    : forkedProber(probeEntry);
  const probeVariant = inElectron ? probeVariantHere : forkedVariantProber(probeEntry);
  return new Engine({
    emit,
    warn,
    openSession,
    cacheFolder,
    devices: new Providers({
      probe,
      probeVariant,
      cacheFolder,
      log: warn,
      knownBefore: knownMissing,
      probesInThisProcess: inElectron,
      onChange: (device) => emit({ kind: 'device', ...device }),
    }),
  });
}
