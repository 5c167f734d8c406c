import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { toFailure } from '../../../shared/errors.ts';
import type { LatentSpace } from '../latents/latentSpace.ts';
import { decodeLatents, encodePixels, type EncodeOptions } from '../latents/vae.ts';
import type { ModelSession, OpenSession } from '../tensor/modelSession.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { isNan } from './modelFault.ts';
import { standardFile } from './openChecked.ts';
import { isOutOfMemory, type Residency } from './residency.ts';

/** diffusers' own side of a tile for models of 512 pixels, and what is tried where that is too much. */
const tiles = [64, 32, 16];

export interface CarefulVaeOptions {
  readonly folder: string;
  readonly space: LatentSpace;
  readonly residency: Residency;
  /** Opens a part on the CPU; null where it is on the CPU already. */
  readonly openOnCpu: OpenSession | null;
  /** Told what was done instead, in words. */
  readonly warn: (text: string) => void;
}

/**
 * The VAE with what is left to try when the memory does not suffice: tiles, smaller tiles, and the CPU, which has more. A picture is the end
 * of a run that took minutes.
 */
export class CarefulVae {
  readonly #options: CarefulVaeOptions;
  /** Sides of latents that were too much by now, by part. */
  readonly #tooMuch = new Map<string, number>();

  constructor(options: CarefulVaeOptions) {
    this.#options = options;
  }

  /** As `decodeLatents`. @throws StopbathError `OUT_OF_MEMORY` when all of it failed. */
  decode(decoder: ModelSession, latents: Tensor): Promise<RgbImage[]> {
    const { space } = this.#options;
    const longest = Math.max(latents.dims[2] ?? 0, latents.dims[3] ?? 0);
    return this.#carefully('vae_decoder', decoder, longest, (session, tile) => decodeLatents(session, latents, space, tile));
  }

  /** As `encodePixels`; a failed try draws no noise. */
  encode(encoder: ModelSession, pixels: Tensor, options: Omit<EncodeOptions, 'space' | 'tile'>): Promise<Tensor> {
    const { space } = this.#options;
    const longest = Math.max(pixels.dims[2] ?? 0, pixels.dims[3] ?? 0) / space.pixelFactor;
    return this.#carefully('vae_encoder', encoder, longest, (session, tile) => encodePixels(session, pixels, { ...options, space, tile }));
  }

  async #carefully<T>(part: string, session: ModelSession, longest: number, work: (session: ModelSession, tile: number | null) => Promise<T>): Promise<T> {
    const ways = this.#ways(part, longest);
    let last: unknown;
    for (const tile of ways) {
      try {
        return await work(session, tile);
      } catch (error) {
        // Half precision overflows on strong colours; the CPU computes it in full precision.
        if (isNan(error)) return await this.#onCpu(part, session, tile, work, error);
        if (!isOutOfMemory(error)) throw error;
        last = error;
        this.#tooMuch.set(part, tile ?? longest);
        this.#options.warn(`${part}: not enough memory for ${tile ?? longest} latents a side.`);
      }
    }
    return this.#onCpu(part, session, ways.at(-1) ?? null, work, last);
  }

  /** From the most that may fit to the least; null: as a whole. */
  #ways(part: string, longest: number): readonly (number | null)[] {
    const first = this.#options.residency.plan.vaeTile;
    const tooMuch = this.#tooMuch.get(part) ?? Infinity;
    const smaller = tiles.filter((tile) => tile < longest && tile < tooMuch && (first === null || tile < first));
    const wanted = first !== null && first < longest ? first : null;
    const ways = (wanted ?? longest) < tooMuch ? [wanted, ...smaller] : smaller;
    return ways.length > 0 ? ways : [tiles.at(-1) ?? null];
  }

  async #onCpu<T>(
    part: string,
    session: ModelSession,
    tile: number | null,
    work: (session: ModelSession, tile: number | null) => Promise<T>,
    error: unknown,
  ): Promise<T> {
    const { openOnCpu, folder, warn, residency } = this.#options;
    if (openOnCpu === null) throw error;
    const { message, detail } = toFailure(error);
    warn(`${part} runs on the CPU now: ${detail ?? message}`);
    if ((await session.moveToCpu?.(detail ?? message)) === true) return work(session, tile);
    await residency.unloadOthers('');
    const onCpu = await openOnCpu(standardFile(folder, part));
    try {
      return await work(onCpu, tile);
    } finally {
      await onCpu.release();
    }
  }
}
