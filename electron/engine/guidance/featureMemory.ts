import { createHash } from 'node:crypto';
import { StopbathError } from '../../../shared/errors.ts';
import { tensorFromPlain, type Tensor } from '../tensor/tensor.ts';
import type { GuidedInput } from './guidedPrediction.ts';

/** The whole forwards that left deep features, beside what they were asked for (which {@link keyOf} tells). */
export interface FeatureSource {
  readonly stepIndex: number;
  /** Scaled for the model. */
  readonly sample: Tensor;
  readonly timestep: number;
}

export interface KeptFeatures {
  readonly source: FeatureSource;
  /** null in a run that goes on from a checkpoint: what left them has to be run again. */
  readonly features: Tensor | null;
}

/**
 * Deep features of the last step that ran the whole UNet, for the steps up to the next one that does. Measured: a step between takes
 * 0.08 of a whole one's processor time (Stable Diffusion 1.5, 512 x 512; e2e/graphs/bench.ts). Against the full run of the built-in
 * model, cut in two for that, at 20 steps: 38.0 dB with a whole step of 2, 32.3 dB of 3, 26.4 dB of 5, and pictures show what was
 * asked for as often (e2e/attributes/features.json).
 *
 * A checkpoint has not the features, which for 512 x 512 pixels are 5 MB for each half of guidance and each picture, but what they came
 * from: latents and a time. The same calls give the same features, so a run that goes on is the same bit by bit, for one whole step
 * more.
 */
export class FeatureMemory {
  readonly #every: number;
  #kept: (KeptFeatures & { readonly key: string; readonly age: number }) | null = null;

  /** @param every a step of so many runs the whole UNet */
  constructor(every: number) {
    this.#every = every;
  }

  /** What serves a step; null: it has to run the whole UNet. */
  serving(key: string): KeptFeatures | null {
    const kept = this.#kept;
    return kept !== null && kept.key === key && kept.age < this.#every - 1 ? kept : null;
  }

  keep(features: Tensor, source: FeatureSource, key: string): void {
    this.#kept = { features, source, key, age: 0 };
  }

  /** Those that a checkpoint did not have, made anew. */
  rebuilt(features: Tensor): void {
    if (this.#kept !== null) this.#kept = { ...this.#kept, features };
  }

  /** A step was served. */
  used(): void {
    if (this.#kept !== null) this.#kept = { ...this.#kept, age: this.#kept.age + 1 };
  }

  snapshot(): unknown {
    const kept = this.#kept;
    if (kept === null || kept.age >= this.#every - 1) return null;
    const { source, key, age } = kept;
    return { source, key, age };
  }

  /** @throws StopbathError `INVALID_INPUT` when `state` is no snapshot of one. */
  restore(state: unknown): void {
    this.#kept = state === null || state === undefined ? null : { ...keptFrom(state), features: null };
  }
}

/**
 * Tells what both halves of a step are asked for beside latents and time: features belong to one prompt, and to guided or unguided steps.
 * By value, so that a run which goes on finds the same.
 */
export function keyOf({ conditional, unconditional, extras }: GuidedInput): string {
  const hash = createHash('sha256');
  for (const part of [conditional, unconditional, extras]) {
    hash.update(part === null ? 'none' : 'some');
    for (const [name, value] of Object.entries<Tensor | null>({ ...part }).sort(([a], [b]) => (a < b ? -1 : 1))) {
      hash.update(`\n${name} ${value?.dims.join('x') ?? 'none'} `);
      if (value !== null) hash.update(new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength));
    }
  }
  return hash.digest('hex');
}

function keptFrom(state: unknown): { readonly source: FeatureSource; readonly key: string; readonly age: number } {
  if (typeof state !== 'object' || state === null) throw unreadable();
  const { source, key, age } = state as Record<string, unknown>;
  if (typeof source !== 'object' || source === null || typeof key !== 'string' || typeof age !== 'number') throw unreadable();
  const { stepIndex, sample, timestep } = source as Record<string, unknown>;
  if (typeof stepIndex !== 'number' || typeof timestep !== 'number') throw unreadable();
  return { source: { stepIndex, timestep, sample: tensorFromPlain(sample) }, key, age };
}

function unreadable(): StopbathError {
  return new StopbathError({ code: 'INVALID_INPUT', message: 'The saved state of reused features is not readable.', nextStep: 'Start the picture anew.' });
}
