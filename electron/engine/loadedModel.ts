import { basename, dirname } from 'node:path';
import type { ModelUse } from '../../shared/engineProtocol.ts';
import { StopbathError, toFailure } from '../../shared/errors.ts';
import type { GenerationRequest, ProviderId, Task } from '../../shared/generation.ts';
import type { Forecast } from '../../shared/models.ts';
import type { EngineOptions } from './engineOptions.ts';
import { readRecord } from './graph/checkpointRecord.ts';
import { type GraphVariant, usualVariant, variantName } from './graph/graphVariant.ts';
import { watchedBranches, watchedModel } from './halfPrecision.ts';
import { type FolderInUse, folderInUse } from './loras/openWithLoras.ts';
import type { LoraStrengths } from './loras/loraStrengths.ts';
import { adapterBytes } from './memory/adapterSize.ts';
import { fittingBranches, fittingModel } from './memory/fittingModel.ts';
import { MemoryPlanner } from './memory/forecast.ts';
import { deviceMemory, ownMemory } from './memory/freeMemory.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { openPipeline } from './pipelines/registry.ts';
import { keepAll, kindOf, type MemoryPlan, Residency } from './pipelines/residency.ts';
import type { Verification } from './pipelines/verify.ts';
import type { ModelSession } from './tensor/modelSession.ts';
import type { Warn } from './warn.ts';

export interface OpenModel {
  readonly pipeline: Pipeline;
  readonly provider: ProviderId;
  /** How this run uses the memory. */
  readonly memory: MemoryPlan;
  /** Those it was opened with; null: none. */
  readonly loras: LoraStrengths | null;
}

/** A run as far as the model's memory depends on it. */
export interface IntendedRun {
  readonly request: GenerationRequest;
  /** The task it loads for: decoding needs no more than text-to-image does, whatever the task was. */
  readonly task: Task;
  /** Pictures are decoded while it goes on. */
  readonly decodesPreviews: boolean;
  /** Told each part before it is loaded. */
  readonly onPart: (part: string) => void;
  /** Told what was asked for and cannot be used; left out: the log is. */
  readonly warn?: Warn;
}

interface Open {
  readonly folder: string;
  readonly provider: ProviderId;
  readonly pipeline: Pipeline;
  readonly residency: Residency;
  readonly loras: LoraStrengths | null;
}

/** Keeps one model in memory: the one used last. Two large ones would not fit. */
export class LoadedModel {
  readonly #options: EngineOptions;
  readonly #planner: MemoryPlanner;
  #open: Open | null = null;
  /** What the last run was to take: a device holds about that until the model is released. */
  #neededBytes = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#planner = new MemoryPlanner(options.deviceMemory);
  }

  get provider(): ProviderId | null {
    return this.#open?.provider ?? null;
  }

  /** Of model and device. */
  get key(): string {
    return `${this.#open?.pipeline.modelHash ?? ''} ${this.#open?.provider ?? ''}`;
  }

  /** The model of a folder on a device with all that a run needs, loaded only when it is not in memory. */
  async open(use: ModelUse, run: IntendedRun): Promise<OpenModel> {
    const { modelFolder: folder, provider: choice } = use;
    const { devices, emit, warn } = this.#options;
    const device = await devices.resolve(choice, folder);
    emit({ kind: 'device', ...device });
    const { provider } = device;
    try {
      return await this.#openOn(provider, use, run);
    } catch (error) {
      if (await this.#rejectVariant(provider, folder, error)) return this.open(use, run);
      if (choice !== 'auto' || provider === 'cpu' || !isDeviceTrouble(error)) throw error;
      const { message, detail } = toFailure(error);
      warn?.(`${provider} could not load the model: ${message} ${detail ?? ''}`);
      devices.reject(provider, folder, detail ?? message);
      return this.open(use, run);
    }
  }

  /** Before the device is given up for a model: its graphs may be written another way. */
  async #rejectVariant(provider: ProviderId, folder: string, error: unknown): Promise<boolean> {
    if (!(error instanceof StopbathError) || error.code !== 'PROVIDER_UNAVAILABLE' || (await readRecord(folder)) === null) return false;
    return (await this.#options.devices.rejectVariant?.(provider, folder, error.detail ?? error.message)) ?? false;
  }

  /** What a run would take on the device it would be given; loads nothing. @throws StopbathError as `readModelSize`. */
  async forecast({ modelFolder: folder, provider: choice, memoryPolicy: policy, loras }: ModelUse, request: GenerationRequest): Promise<Forecast> {
    const { provider } = await this.#options.devices.resolve(choice, folder);
    const { forecast } = await this.#planner.plan({
      folder,
      provider,
      request,
      policy,
      decodesPreviews: false,
      heldBytes: this.#heldBytes(provider),
      isForecast: true,
      adapters: await adapterBytes(loras),
    });
    return forecast;
  }

  /** A run has ended: what a waiting engine need not hold leaves. */
  async rest(): Promise<void> {
    await this.#open?.residency.rest();
  }

  async release(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    this.#neededBytes = 0;
    this.#planner.forget();
    await open?.pipeline.release();
  }

  async #openOn(provider: ProviderId, use: ModelUse, { request, task, decodesPreviews, onPart, warn }: IntendedRun): Promise<OpenModel> {
    const inUse = await folderInUse(use, { device: provider, variant: () => this.#variantFor(provider, use.modelFolder) }, warn ?? (({ message }) => this.#options.warn?.(message)));
    const { memoryPolicy: policy } = use;
    const { folder } = inUse;
    const plan = await this.#plan({ folder, provider, request, policy, decodesPreviews, heldBytes: this.#heldBytes(provider) });
    const { pipeline, residency, loras } = await this.#load(use, inUse, provider, plan, onPart);
    residency.follow(plan);
    await pipeline.prepare(task, onPart);
    return { pipeline, provider, memory: plan, loras };
  }

  async #variantFor(provider: ProviderId, folder: string): Promise<GraphVariant> {
    return (await this.#options.devices.variantFor?.(provider, folder)) ?? usualVariant(provider);
  }

  /** A folder that cannot be read is told by what opens it. */
  async #plan(input: Parameters<MemoryPlanner['plan']>[0]): Promise<MemoryPlan> {
    try {
      const { plan, forecast } = await this.#planner.plan(input);
      this.#neededBytes = forecast.needBytes;
      return plan;
    } catch (error) {
      this.#options.warn?.(`The memory it takes could not be foreseen: ${toFailure(error).message}`);
      return keepAll;
    }
  }

  #heldBytes(provider: ProviderId): number {
    // Exactly known for this process, not for its share of a device.
    return provider === 'cpu' ? ownMemory() : this.#open?.provider === provider ? this.#neededBytes : 0;
  }

  async #load({ provider: choice, modelFolder }: ModelUse, inUse: FolderInUse, provider: ProviderId, plan: MemoryPlan, onPart: (part: string) => void): Promise<Open> {
    const { folder, loras } = inUse;
    if (this.#open?.folder === folder && this.#open.provider === provider) return this.#open;
    const needed = this.#neededBytes;
    await this.release();
    this.#neededBytes = needed;
    const { openSession, devices, warn, cacheFolder = null } = this.#options;
    const residency = new Residency();
    residency.follow(plan);
    const pipeline = await openPipeline({
      folder,
      onPart,
      residency,
      cacheFolder,
      warn: (text) => warn?.(text),
      embeddings: inUse.embeddings,
      openSession: async (file) => steered(loras, file, await (devices.openPart?.(file, provider, choice, openSession) ?? openSession(file, provider))),
      ...(provider === 'cpu' ? {} : { verification: this.#verification(provider, inUse), openOnCpu: (file: string) => openSession(file, 'cpu') }),
    });
    const { noiseModel, branches } = inUse.variant?.arithmetic === 'float16' ? this.#watched(pipeline, provider, modelFolder) : pipeline;
    const fitting = {
      ...withLoras(pipeline, inUse),
      noiseModel: fittingModel(noiseModel, (text) => warn?.(text)),
      ...(branches === undefined ? {} : { branches: fittingBranches(branches, (text) => warn?.(text)) }),
    };
    this.#open = { folder, provider, residency, loras, pipeline: fitting };
    return this.#open;
  }

  #watched({ noiseModel, branches }: Pipeline, provider: ProviderId, modelFolder: string): Pick<Pipeline, 'noiseModel' | 'branches'> {
    const onOverflow = async (): Promise<boolean> => (await this.#options.devices.rejectVariant?.(provider, modelFolder, 'no numbers in half precision')) ?? false;
    return { noiseModel: watchedModel(noiseModel, onOverflow), ...(branches === undefined ? {} : { branches: watchedBranches(branches, onOverflow) }) };
  }

  /** The CPU's results need the part in the machine's memory too; a check is not worth a process that is killed for want of it. */
  async #hasRoomToVerify(folder: string): Promise<boolean> {
    const { free } = await (this.#options.deviceMemory ?? deviceMemory)('cpu');
    const needed = await this.#planner.referenceBytes(folder);
    if (needed < free) return true;
    this.#options.warn?.('There is not enough memory to compare this model with the CPU: it is not checked on its device.');
    return false;
  }

  #verification(provider: ProviderId, { folder, loras, variant }: FolderInUse): Verification {
    const { devices, openSession } = this.#options;
    // The same weights written another way have to be right once more.
    const keyOf = (modelHash: string): string => (variant === null ? modelHash : `${modelHash} ${variantName(variant)}`);
    return {
      isNeeded: async (modelHash) => !(await devices.isVerified(provider, keyOf(modelHash))) && (await this.#hasRoomToVerify(folder)),
      openReference: async (file) => steered(loras, file, await openSession(file, 'cpu')),
      onPassed: (modelHash) => devices.setVerified(provider, keyOf(modelHash)),
    };
  }
}

function steered(loras: LoraStrengths | null, file: string, session: ModelSession): ModelSession {
  return loras === null ? session : loras.steer(session, kindOf(basename(dirname(file))) === 'unet' ? 'unet' : 'text');
}

/** With LoRAs it is another model, see `checkCheckpoint`, and the same text another encoding. */
function withLoras(pipeline: Pipeline, { loras, loraHashes }: FolderInUse): Pipeline {
  if (loras === null) return pipeline;
  const { prompts } = pipeline;
  return {
    ...pipeline,
    modelHash: [pipeline.modelHash, ...loraHashes].join('+'),
    prompts: { ...prompts, encode: (text, options) => prompts.encode(text, { ...options, variant: loras.textKey }) },
  };
}

/** A damaged file fails on every device; these may be the device's own fault. */
function isDeviceTrouble(error: unknown): boolean {
  return error instanceof StopbathError && ['MODEL_BAD', 'OUT_OF_MEMORY', 'PROVIDER_UNAVAILABLE'].includes(error.code);
}
