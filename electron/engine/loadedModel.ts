import { StopbathError, toFailure } from '../../shared/errors.ts';
import type { ProviderChoice, ProviderId, Task } from '../../shared/generation.ts';
import type { EngineOptions } from './engineOptions.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { openPipeline } from './pipelines/registry.ts';
import type { Verification } from './pipelines/verify.ts';

export interface OpenModel {
  readonly pipeline: Pipeline;
  readonly provider: ProviderId;
}

/** Keeps one model in memory: the one used last. Two large ones would not fit. */
export class LoadedModel {
  readonly #options: EngineOptions;
  #open: (OpenModel & { readonly folder: string }) | null = null;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  get provider(): ProviderId | null {
    return this.#open?.provider ?? null;
  }

  /** Of model and device. */
  get key(): string {
    return `${this.#open?.pipeline.modelHash ?? ''} ${this.#open?.provider ?? ''}`;
  }

  /** The model of a folder on a device with all that a task needs, loaded only when it is not in memory. */
  async open(folder: string, choice: ProviderChoice, task: Task, onPart: (part: string) => void): Promise<OpenModel> {
    const { devices, emit, warn } = this.#options;
    const device = await devices.resolve(choice, folder);
    emit({ kind: 'device', ...device });
    const { provider } = device;
    try {
      const open = await this.#load(folder, provider, onPart);
      await open.pipeline.prepare(task, onPart);
      return open;
    } catch (error) {
      if (choice !== 'auto' || provider === 'cpu' || !isDeviceTrouble(error)) throw error;
      const { message, detail } = toFailure(error);
      warn?.(`${provider} could not load the model: ${message} ${detail ?? ''}`);
      devices.reject(provider, folder, detail ?? message);
      return this.open(folder, choice, task, onPart);
    }
  }

  async release(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.pipeline.release();
  }

  async #load(folder: string, provider: ProviderId, onPart: (part: string) => void): Promise<OpenModel> {
    if (this.#open?.folder === folder && this.#open.provider === provider) return this.#open;
    await this.release();
    const { openSession } = this.#options;
    const pipeline = await openPipeline({
      folder,
      onPart,
      openSession: (file) => openSession(file, provider),
      ...(provider === 'cpu' ? {} : { verification: this.#verification(provider) }),
    });
    this.#open = { folder, provider, pipeline };
    return this.#open;
  }

  #verification(provider: ProviderId): Verification {
    const { devices, openSession } = this.#options;
    return {
      isNeeded: async (modelHash) => !(await devices.isVerified(provider, modelHash)),
      openReference: (file) => openSession(file, 'cpu'),
      onPassed: (modelHash) => devices.setVerified(provider, modelHash),
    };
  }
}

/** A damaged file fails on every device; these may be the device's own fault. */
function isDeviceTrouble(error: unknown): boolean {
  return error instanceof StopbathError && ['MODEL_BAD', 'OUT_OF_MEMORY', 'PROVIDER_UNAVAILABLE'].includes(error.code);
}
