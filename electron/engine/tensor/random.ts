import { StopbathError } from '../../../shared/errors.ts';
import { elementCount, type Tensor } from './tensor.ts';

const stateSize = 624;
const middle = 397;

/** The whole state of a {@link TorchGenerator} as plain data: the same after JSON or a structured clone. */
export interface GeneratorState {
  readonly words: readonly number[];
  readonly next: number;
  readonly cachedNormal: number | null;
}

/** What draws normal noise for a step. */
export interface NoiseSource {
  normal(dims: readonly number[]): Tensor;
}

/**
 * torch's CPU generator: MT19937 and its normal distribution, so that a seed gives the noise `torch.randn` gives.
 * Differs from torch's AVX2 build by at most 2.4e-7 (its logarithm and cosine are vector code).
 * Source: aten/src/ATen/core/MT19937RNGEngine.h, native/cpu/DistributionTemplates.h of torch 2.13.
 */
export class TorchGenerator implements NoiseSource {
  #words = new Uint32Array(stateSize);
  #next = stateSize;
  #cachedNormal: number | null = null;

  /** @param seed 64-bit unsigned decimal; torch seeds MT19937 with its low 32 bits only. */
  constructor(seed: string) {
    let word = Number(BigInt(seed) & 0xffff_ffffn);
    this.#words[0] = word;
    for (let index = 1; index < stateSize; index++) {
      word = (Math.imul(1_812_433_253, word ^ (word >>> 30)) + index) >>> 0;
      this.#words[index] = word;
    }
  }

  /** Standard normal values in the order torch fills a contiguous tensor of these sides. */
  normal(dims: readonly number[]): Tensor {
    const count = elementCount(dims);
    const data = new Float32Array(count);
    if (count < 16) this.#fillFew(data);
    else this.#fillMany(data);
    return { dims, data };
  }

  snapshot(): GeneratorState {
    return { words: Array.from(this.#words), next: this.#next, cachedNormal: this.#cachedNormal };
  }

  /** @throws StopbathError `INVALID_INPUT` when `state` is no snapshot. */
  restore(state: unknown): void {
    if (!isGeneratorState(state)) {
      throw new StopbathError({ code: 'INVALID_INPUT', message: 'The saved random state is not readable.' });
    }
    this.#words = Uint32Array.from(state.words);
    this.#next = state.next;
    this.#cachedNormal = state.cachedNormal;
  }

  #word(): number {
    if (this.#next === stateSize) this.#twist();
    let y = this.#words[this.#next++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  #twist(): void {
    const words = this.#words;
    for (let index = 0; index < stateSize; index++) {
      const low = words[(index + 1) % stateSize] ?? 0;
      const mixed = ((words[index] ?? 0) & 0x8000_0000) | (low & 0x7fff_ffff);
      const far = words[(index + middle) % stateSize] ?? 0;
      words[index] = far ^ (mixed >>> 1) ^ ((low & 1) === 0 ? 0 : 0x9908_b0df);
    }
    this.#next = 0;
  }

  #uniform24(): number {
    return (this.#word() & 0xff_ffff) / 0x100_0000;
  }

  #uniform53(): number {
    const high = this.#word() & 0x1f_ffff;
    return (high * 2 ** 32 + this.#word()) / 2 ** 53;
  }

  /** Under 16 values torch draws pairs in double precision and keeps the odd one for the next small call. */
  #fillFew(data: Float32Array): void {
    for (let index = 0; index < data.length; index++) {
      if (this.#cachedNormal !== null) {
        data[index] = this.#cachedNormal;
        this.#cachedNormal = null;
        continue;
      }
      const angle = 2 * Math.PI * this.#uniform53();
      const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform53()));
      this.#cachedNormal = radius * Math.sin(angle);
      data[index] = radius * Math.cos(angle);
    }
  }

  #fillMany(data: Float32Array): void {
    for (let index = 0; index < data.length; index++) data[index] = this.#uniform24();
    for (let start = 0; start + 16 <= data.length; start += 16) boxMuller(data, start);
    if (data.length % 16 === 0) return;
    const start = data.length - 16;
    for (let index = start; index < data.length; index++) data[index] = this.#uniform24();
    boxMuller(data, start);
  }
}

const twoPi = Math.fround(2 * Math.PI);

/** 16 uniforms to 16 normals in place, each operation rounded to float32 like torch's kernel. */
function boxMuller(data: Float32Array, start: number): void {
  const { fround } = Math;
  for (let j = start; j < start + 8; j++) {
    const radius = fround(Math.sqrt(-2 * fround(Math.log(1 - (data[j] ?? 0)))));
    const angle = fround(twoPi * (data[j + 8] ?? 0));
    data[j] = radius * fround(Math.cos(angle));
    data[j + 8] = radius * fround(Math.sin(angle));
  }
}

function isGeneratorState(value: unknown): value is GeneratorState {
  return (
    typeof value === 'object' &&
    value !== null &&
    'words' in value &&
    Array.isArray(value.words) &&
    value.words.length === stateSize &&
    'next' in value &&
    typeof value.next === 'number' &&
    'cachedNormal' in value &&
    (value.cachedNormal === null || typeof value.cachedNormal === 'number')
  );
}
