import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import { assertNever, toFailure } from '../../shared/errors.ts';
import type { StepCallback } from './callbacks/callback.ts';
import { RunControls } from './callbacks/steering.ts';
import { turn } from './denoise.ts';
import type { EngineOptions } from './engineOptions.ts';
import { type GenerateCommand, type GenerateJob, runGenerateJob } from './generateJob.ts';
import type { NoiseModel } from './guidance/condition.ts';
import { type GuidedCalls, guidedCallsOnCpu, type GuidedInput, measureGuidedCalls } from './guidance/guidedPrediction.ts';
import { LoadedModel } from './loadedModel.ts';
import { forkedProber, judge, type Prober } from './ort/prober.ts';
import { runProbe } from './ort/probe.ts';
import { knownMissing, Providers } from './ort/providers.ts';
import { openSession } from './ort/session.ts';
import { openTokenCounter } from './pipelines/tokenCounter.ts';
import { finishImages } from './tasks/pictureInput.ts';
import { keepsGuidance } from './tasks/resumeStart.ts';
import { tensorFromPlain } from './tensor/tensor.ts';

type DecodeCommand = Extract<EngineCommand, { kind: 'decode' }>;
type CountCommand = Extract<EngineCommand, { kind: 'count-tokens' }>;

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
  #queue: Promise<void> = Promise.resolve();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#model = new LoadedModel(options);
  }

  /** @returns a promise that settles when the task has ended; it never rejects. */
  handle(command: Exclude<EngineCommand, { kind: 'shutdown' }>): Promise<void> {
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
      case 'count-tokens':
        return this.#countTokens(command);
      default:
        return assertNever(command);
    }
  }

  /** `generate` with callbacks of the caller's own, for whoever runs the engine in the same process. */
  generate(command: GenerateCommand, callbacks: readonly StepCallback[] = []): Promise<void> {
    const { request, from, paceMs, jobId } = command;
    const abort = new AbortController();
    const { guidanceScale, guidanceEnd } = from !== undefined && keepsGuidance(from, request) ? from : request;
    const controls = new RunControls({ ...request, guidanceScale, guidanceEnd }, paceMs);
    const job: GenerateJob = { command, controls, signal: abort.signal, callbacks };
    this.#running.set(jobId, { job, abort });
    return this.#enqueue(jobId, () => this.#generate(job)).finally(() => this.#running.delete(jobId));
  }

  #enqueue(jobId: string, work: () => Promise<void>): Promise<void> {
    const task = this.#queue.then(async () => {
      try {
        await work();
      } catch (error) {
        this.#options.emit({ kind: 'failed', jobId, failure: toFailure(error) });
      }
    });
    this.#queue = task;
    return task;
  }

  async #generate(job: GenerateJob): Promise<void> {
    const { modelFolder, provider: choice, jobId, request } = job.command;
    await runGenerateJob(job, {
      emit: this.#options.emit,
      warn: (text) => this.#options.warn?.(text),
      open: () =>
        this.#model.open(modelFolder, choice, request.task, (part) => this.#options.emit({ kind: 'loading', jobId, part })),
      guidedCalls: (model, example) => this.#chooseCalls(model, example, job.signal),
    });
  }

  async #decode({ jobId, modelFolder, provider, latents, request, inputs }: DecodeCommand): Promise<void> {
    // Decoding needs no more than text-to-image does, whatever the task was.
    const { pipeline } = await this.#model.open(modelFolder, provider, 'text-to-image', (part) =>
      this.#options.emit({ kind: 'loading', jobId, part }),
    );
    const images = finishImages(await pipeline.decode(tensorFromPlain(latents)), request, inputs);
    this.#options.emit({ kind: 'decoded', jobId, images });
  }

  /** At once: it needs the tokenizers only, and somebody is typing. */
  async #countTokens({ requestId, modelFolder, texts, syntax }: CountCommand): Promise<void> {
    try {
      const counter = await openTokenCounter(modelFolder);
      this.#options.emit({ kind: 'tokens', requestId, counts: texts.map((text) => counter.count(text, syntax)) });
    } catch (error) {
      this.#options.emit({ kind: 'tokens-failed', requestId, failure: toFailure(error) });
    }
  }

  /** On the CPU by a rule, so that a run is reproducible bit by bit. Elsewhere what measures faster, once per model and size. */
  async #chooseCalls(model: NoiseModel, example: GuidedInput, signal: AbortSignal): Promise<GuidedCalls> {
    // Before asking whether this run is guided: a resumed one may be guided again later, and must be called as the whole one was.
    if (this.#model.provider === 'cpu') return guidedCallsOnCpu(example.sample);
    if (example.unconditional === null) return 'two-singles';
    const key = `${this.#model.key} ${example.sample.dims.join('x')}`;
    const known = this.#guidedCalls.get(key);
    if (known !== undefined) return known;
    const measured = await measureGuidedCalls(model, example, async () => {
      await turn();
      return !signal.aborted;
    });
    if (measured !== null) this.#guidedCalls.set(key, measured);
    return measured ?? 'two-singles';
  }
}

export interface EngineSurroundings {
  readonly emit: (message: EngineMessage) => void;
  /** The module to start for a probe: see `forkedProber`. */
  readonly probeEntry: string;
  readonly warn: (text: string) => void;
}

/** Where results that may outlive the process are kept; set by the host. */
const cacheVariable = 'STOPBATH_CACHE_DIR';

/** The engine with the real ONNX Runtime. */
export function createEngine({ emit, probeEntry, warn }: EngineSurroundings): Engine {
  const cacheFolder = process.env[cacheVariable] ?? null;
  // There `child_process.fork` would start the app again (the runAsNode fuse is off). The engine is a process of its own
  // already: a driver that crashes ends it, and what was noted before keeps the next one from trying again.
  const inElectron = process.versions['electron'] !== undefined;
  const probe: Prober = inElectron
    ? async (provider) => judge(provider, await runProbe(provider), '')
    : forkedProber(probeEntry);
  return new Engine({
    emit,
    warn,
    openSession,
    devices: new Providers({ probe, cacheFolder, knownBefore: knownMissing, probesInThisProcess: inElectron }),
  });
}
