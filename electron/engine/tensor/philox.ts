import { StopbathError } from '../../../shared/errors.ts';
import type { NoiseSource } from './random.ts';
import { elementCount, type Tensor } from './tensor.ts';

/** Four 32-bit words. */
export type PhiloxBlock = readonly [number, number, number, number];

const multiplier0 = 0xd251_1f53;
const multiplier1 = 0xcd9e_8d57;
const keyBump0 = 0x9e37_79b9;
const keyBump1 = 0xbb67_ae85;
const rounds = 10;

/** High 32 bits of a product of two 32-bit words, from 16-bit halves: every part stays below 2^53. */
function highWord(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (cross >>> 16)) >>> 0;
}

/** Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). */
export function philox4x32(counter: PhiloxBlock, key: readonly [number, number]): PhiloxBlock {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const high0 = highWord(c0, multiplier0);
    const low0 = Math.imul(c0, multiplier0) >>> 0;
    const high1 = highWord(c2, multiplier1);
    const low1 = Math.imul(c2, multiplier1) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + keyBump0) >>> 0;
    k1 = (k1 + keyBump1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Two words to a pair of normals, sine first. */
type PairMaker = (a: number, b: number, sine: boolean) => number;

const { fround } = Math;
const inverse = 2 ** -32;
/** `CURAND_2POW32_INV_2PI` of curand_normal.h. */
const inverse2Pi = inverse * fround(6.2831855);

/** curand's Box-Muller in float32, each line one fused multiply-add on the card. */
function singlePair(a: number, b: number, sine: boolean): number {
  const u = fround(fround(a) * inverse + inverse / 2);
  const v = fround(fround(b) * inverse2Pi + inverse2Pi / 2);
  const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(u)))));
  return fround(radius * fround(sine ? Math.sin(v) : Math.cos(v)));
}

/** The same in float64 and rounded at the end, as modules/rng_philox.py of A1111 has it; parts by 3e-4 where u is near 1. */
function doublePair(a: number, b: number): number {
  const u = a * inverse + inverse / 2;
  const v = b * inverse2Pi + inverse2Pi / 2;
  return Math.sqrt(-2 * Math.log(u)) * Math.sin(v);
}

/** How many threads fill a tensor of `count` values. */
type Grid = (count: number) => number;

const blockThreads = 256;

/** torch's launch: blocks of 256 threads, as many as the values need and the card holds at once. */
export function cardGrid(sms: number, threadsPerSm: number): Grid {
  const room = sms * Math.floor(threadsPerSm / blockThreads);
  return (count) => blockThreads * Math.min(Math.ceil(count / blockThreads), room);
}

export interface PhiloxState {
  /** Blocks every thread has drawn. */
  readonly drawn: number;
}

/**
 * torch's CUDA generator and its normal distribution. A thread draws four normals a block; thread i of P fills the values
 * i, i + P, i + 2P, i + 3P, then goes on by 4P. So a tensor larger than P depends on the card.
 * The card's fast sine and cosine are known to differ from these by about 1e-6.
 * Source: aten/src/ATen/native/cuda/DistributionTemplates.h of torch; curand_normal.h, curand_philox4x32_x.h of CUDA.
 */
export class PhiloxGenerator implements NoiseSource {
  readonly #key: readonly [number, number];
  readonly #grid: Grid;
  readonly #pair: PairMaker;
  #drawn = 0;

  private constructor(seed: string, grid: Grid, pair: PairMaker) {
    const key = BigInt(seed);
    this.#key = [Number(key & 0xffff_ffffn), Number((key >> 32n) & 0xffff_ffffn)];
    this.#grid = grid;
    this.#pair = pair;
  }

  /** @param seed 64-bit unsigned decimal */
  static ofCard(seed: string, sms: number, threadsPerSm: number): PhiloxGenerator {
    return new PhiloxGenerator(seed, cardGrid(sms, threadsPerSm), singlePair);
  }

  /** A1111's "NV": a thread for every value, so that no card matters. */
  static ofA1111(seed: string): PhiloxGenerator {
    return new PhiloxGenerator(seed, (count) => count, doublePair);
  }

  /** Standard normal values of a contiguous tensor of these sides. */
  normal(dims: readonly number[]): Tensor {
    const count = elementCount(dims);
    const data = new Float32Array(count);
    const threads = this.#grid(count);
    for (let start = 0; start < count; start += 4 * threads) {
      this.#fillFromBlocks(data, start, threads);
      this.#drawn++;
    }
    return { dims, data };
  }

  /** One block of every thread. */
  #fillFromBlocks(data: Float32Array, start: number, threads: number): void {
    const low = this.#drawn >>> 0;
    const high = Math.floor(this.#drawn / 2 ** 32);
    for (let thread = 0; thread < threads && start + thread < data.length; thread++) {
      // No tensor has 2^32 values: the high word of the thread's number stays 0.
      const [a, b, c, d] = philox4x32([low, high, thread, 0], this.#key);
      let at = start + thread;
      data[at] = this.#pair(a, b, true);
      if ((at += threads) >= data.length) continue;
      data[at] = this.#pair(a, b, false);
      if ((at += threads) >= data.length) continue;
      data[at] = this.#pair(c, d, true);
      if ((at += threads) >= data.length) continue;
      data[at] = this.#pair(c, d, false);
    }
  }

  snapshot(): PhiloxState {
    return { drawn: this.#drawn };
  }

  /** @throws StopbathError `INVALID_INPUT` when `state` is no snapshot. */
  restore(state: unknown): void {
    if (typeof state !== 'object' || state === null || !('drawn' in state) || !isCount(state.drawn)) {
      throw new StopbathError({ code: 'INVALID_INPUT', message: 'The saved random state is not readable.' });
    }
    this.#drawn = state.drawn;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
