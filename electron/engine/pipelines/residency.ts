import { StopbathError } from '../../../shared/errors.ts';

/** How a run uses the memory it has. */
export interface MemoryPlan {
  /** `keep`: what was loaded stays; `release`: text encoders and VAE go when another part comes. */
  readonly policy: 'keep' | 'release';
  /** Not even the UNet stays beside another part. */
  readonly oneAtATime: boolean;
  /** Side of the tiles the VAE works in, in latents; null: pictures as a whole. */
  readonly vaeTile: number | null;
  /** The decoder is used at every step, for previews: it stays beside the UNet. */
  readonly holdsDecoder: boolean;
  /** On the CPU a part's weights are mapped, and take memory only once it is run. */
  readonly mapsWeights: boolean;
}

export const keepAll: MemoryPlan = { policy: 'keep', oneAtATime: false, vaeTile: null, holdsDecoder: false, mapsWeights: false };

/** Parts of one kind work together. */
type Kind = 'text' | 'unet' | 'vae';

export function kindOf(part: string): Kind {
  if (part.startsWith('text_encoder')) return 'text';
  return part === 'unet' || part === 'unet_shallow' ? 'unet' : 'vae';
}

/** A part that can leave the memory and come back. */
export interface Resident {
  readonly part: string;
  readonly isLoaded: boolean;
  unload(): Promise<void>;
}

/** Which parts of a model are in memory. */
export class Residency {
  #plan: MemoryPlan = keepAll;
  #residents: Resident[] = [];

  get plan(): MemoryPlan {
    return this.#plan;
  }

  /** Holds from now on; what it does not allow leaves when the next part is used. */
  follow(plan: MemoryPlan): void {
    this.#plan = plan;
  }

  add(resident: Resident): void {
    this.#residents.push(resident);
  }

  clear(): void {
    this.#residents = [];
  }

  /** Makes room for a part that is about to be loaded or run. */
  async enter(part: string): Promise<void> {
    if (this.#plan.policy === 'keep') return;
    const kind = kindOf(part);
    for (const other of this.#residents) {
      if (other.isLoaded && kindOf(other.part) !== kind && !this.#mayStay(other.part)) await other.unload();
    }
  }

  /** A run has ended: what a waiting engine need not hold leaves. */
  async rest(): Promise<void> {
    if (this.#plan.policy === 'keep') return;
    for (const other of this.#residents) if (other.isLoaded && kindOf(other.part) !== 'unet' && other.part !== 'taesd_decoder') await other.unload();
  }

  /** @returns whether anything left but the part itself */
  async unloadOthers(part: string): Promise<boolean> {
    const others = this.#residents.filter((other) => other.isLoaded && other.part !== part);
    for (const other of others) await other.unload();
    return others.length > 0;
  }

  #mayStay(part: string): boolean {
    if (kindOf(part) === 'unet') return !this.#plan.oneAtATime;
    // A few megabytes, and asked for at every step.
    if (part === 'taesd_decoder') return true;
    return part === 'vae_decoder' && this.#plan.holdsDecoder;
  }
}

export function isOutOfMemory(error: unknown): error is StopbathError {
  return error instanceof StopbathError && error.code === 'OUT_OF_MEMORY';
}
