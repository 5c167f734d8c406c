import { assertNever, StopbathError } from '../../../shared/errors.ts';
import type { NoiseKind } from '../../../shared/generation.ts';
import { seedPlus } from '../../../shared/infotext.ts';
import { PhiloxGenerator } from './philox.ts';
import { type NoiseSource, TorchGenerator } from './random.ts';
import { concatRows, type Tensor } from './tensor.ts';

/** A noise source that a checkpoint can keep: what it restores goes on bit by bit the same. */
export interface RestorableNoise extends NoiseSource {
  /** Plain data, the same after JSON or a structured clone. */
  snapshot(): unknown;
  /** @throws StopbathError `INVALID_INPUT` when `state` is no snapshot of a source of this kind and batch. */
  restore(state: unknown): void;
}

/** How a batch draws: from one stream, or picture i from a stream of its own, seeded with `seed + i`. */
export interface NoiseRows {
  /** Pictures, B. */
  readonly count: number;
  readonly mode: 'shared' | 'per-image';
}

/**
 * The noise of a run, as diffusers' randn_tensor draws it from one generator or from a list of them.
 * @param seed 64-bit unsigned decimal
 */
export function createNoise(kind: NoiseKind, seed: string, rows: NoiseRows): RestorableNoise {
  if (rows.mode === 'shared' || rows.count === 1) return createGenerator(kind, seed);
  return new PerImageNoise(Array.from({ length: rows.count }, (_, index) => createGenerator(kind, seedPlus(seed, index))));
}

function createGenerator(kind: NoiseKind, seed: string): RestorableNoise {
  switch (kind.kind) {
    case 'torch-cpu':
      return new TorchGenerator(seed);
    case 'torch-cuda':
      return PhiloxGenerator.ofCard(seed, kind.sms, kind.threadsPerSm);
    case 'a1111-nv':
      return PhiloxGenerator.ofA1111(seed);
    default:
      return assertNever(kind);
  }
}

/** A generator a picture: row i of every draw comes from generator i, drawn as a tensor of one row. */
class PerImageNoise implements RestorableNoise {
  readonly #generators: readonly RestorableNoise[];

  constructor(generators: readonly RestorableNoise[]) {
    this.#generators = generators;
  }

  /** @param dims [rows, ...]; with fewer rows than pictures the further generators do not move. */
  normal(dims: readonly number[]): Tensor {
    const [rows = 0, ...rest] = dims;
    if (rows < 1 || rows > this.#generators.length) {
      const message = `Noise of ${rows} rows was asked of ${this.#generators.length} generators.`;
      throw new StopbathError({ code: 'INTERNAL', message });
    }
    return concatRows(this.#generators.slice(0, rows).map((generator) => generator.normal([1, ...rest])));
  }

  snapshot(): unknown {
    return this.#generators.map((generator) => generator.snapshot());
  }

  restore(state: unknown): void {
    if (!Array.isArray(state) || state.length !== this.#generators.length) {
      throw new StopbathError({ code: 'INVALID_INPUT', message: 'The saved random state belongs to another batch.' });
    }
    const states: readonly unknown[] = state;
    this.#generators.forEach((generator, index) => generator.restore(states[index]));
  }
}
