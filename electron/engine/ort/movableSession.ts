import { basename, dirname } from 'node:path';
import { type DeviceReason, explainFailure } from '../../../shared/deviceReasons.ts';
import { StopbathError, toFailure } from '../../../shared/errors.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type OpenOn = (file: string, provider: ProviderId) => Promise<ModelSession>;

export interface MovableOptions {
  readonly file: string;
  readonly provider: ProviderId;
  readonly openSession: OpenOn;
  /** Told once the part runs on the CPU. */
  readonly onMoved: (reason: DeviceReason) => void | Promise<void>;
}

const parts = ['text_encoder', 'text_encoder_2', 'unet', 'vae_decoder', 'vae_encoder', 'taesd_decoder'];

/** `vae_decoder` of `.../vae_decoder/model.onnx`, or of `.../vae_decoder.onnx` where all lie in one folder; null where a name tells nothing. */
export function partName(file: string): string | null {
  const names = [basename(dirname(file)), basename(file, '.onnx')];
  return names.find((name) => parts.includes(name)) ?? null;
}

/**
 * The UNet is what a device is chosen for: without it on the device the whole model goes to the next one. Any other part
 * works as well on the CPU, at a fraction of a run's time.
 */
export function mayMove(file: string): boolean {
  const part = partName(file);
  return part !== null && part !== 'unet';
}

/**
 * Opens a part that goes to the CPU when its device refuses it, at load or at a run. A run that failed is run again there, so
 * the caller sees nothing of it.
 * @throws StopbathError as the CPU throws it, when the part cannot be used there either: then the file is at fault.
 */
export async function openMovable(options: MovableOptions): Promise<ModelSession> {
  const { file, provider, openSession, onMoved } = options;
  try {
    return new MovableSession(await openSession(file, provider), options);
  } catch (error) {
    if (!isOfDevice(error)) throw error;
    const session = await openSession(file, 'cpu');
    await onMoved(explainFailure(provider, detailOf(error)));
    return session;
  }
}

class MovableSession implements ModelSession {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #options: MovableOptions;
  #session: ModelSession;
  #moved = false;

  constructor(session: ModelSession, options: MovableOptions) {
    this.inputs = session.inputs;
    this.outputs = session.outputs;
    this.#session = session;
    this.#options = options;
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
    try {
      return await this.#session.run(feeds);
    } catch (error) {
      if (this.#moved || !isOfDevice(error) || this.#mayBeTiled(error)) throw error;
      const reason = explainFailure(this.#options.provider, detailOf(error));
      // A device that is gone is gone for the other parts too.
      if (reason.code === 'DEVICE_LOST') throw error;
      await this.#toCpu();
      const results = await this.#session.run(feeds);
      await this.#options.onMoved(reason);
      return results;
    }
  }

  async moveToCpu(why: string): Promise<boolean> {
    if (this.#moved) return false;
    await this.#toCpu();
    await this.#options.onMoved(explainFailure(this.#options.provider, why));
    return true;
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  /** A VAE short of memory works in tiles first (`CarefulVae`), which then moves it itself. */
  #mayBeTiled(error: unknown): boolean {
    return error instanceof StopbathError && error.code === 'OUT_OF_MEMORY' && (partName(this.#options.file) ?? '').startsWith('vae_');
  }

  async #toCpu(): Promise<void> {
    const before = this.#session;
    this.#session = await this.#options.openSession(this.#options.file, 'cpu');
    this.#moved = true;
    // Releasing on a device that has just failed may fail, too.
    await before.release().catch(() => undefined);
  }
}

/** A damaged file, a wrong input or a wrong tokenizer fails on every device. */
function isOfDevice(error: unknown): boolean {
  return error instanceof StopbathError && ['PROVIDER_UNAVAILABLE', 'OUT_OF_MEMORY'].includes(error.code);
}

function detailOf(error: unknown): string {
  const { message, detail } = toFailure(error);
  return detail ?? message;
}
