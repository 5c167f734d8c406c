import { StopbathError } from '../../../shared/errors.ts';
import { isFiniteTensor, type Tensor } from '../tensor/tensor.ts';
import type { PromptSyntax } from './promptEncoding.ts';

const { fround } = Math;

/**
 * Brings the emphasis of one chunk into its embeddings, in float32 like torch.
 * `a1111` (modules/sd_emphasis.py, "Original"): every token times its weight, then the whole chunk times
 * mean before / mean after. `comfy` (comfy/sd1_clip.py, encode_token_weights): away from the empty prompt's embedding at
 * the same place, (z - empty) * weight + empty.
 * @param hidden [1, tokens, width]
 * @param weights one a token
 * @param empty the empty prompt's, same sides; asked for only where `comfy` needs it
 * @throws StopbathError `INVALID_INPUT` with field `prompt` when the result leaves the range of numbers.
 */
export async function applyWeights(
  hidden: Tensor,
  weights: readonly number[],
  syntax: PromptSyntax,
  empty: () => Promise<Tensor>,
): Promise<Tensor> {
  if (weights.every((weight) => weight === 1)) return hidden;
  const factors = Float32Array.from(weights);
  const weighted = syntax === 'comfy' ? fromEmpty(hidden, factors, await empty()) : keepingMean(hidden, factors);
  if (isFiniteTensor(weighted)) return weighted;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'prompt',
    message: 'prompt: its emphasis is too strong to be computed.',
    nextStep: 'Give the words weights between 0 and 2.',
  });
}

function fromEmpty(hidden: Tensor, factors: Float32Array, empty: Tensor): Tensor {
  return perToken(hidden, factors, (value, factor, index) => {
    const base = empty.data[index] ?? 0;
    return factor === 1 ? value : fround(fround(value - base) * factor) + base;
  });
}

function keepingMean(hidden: Tensor, factors: Float32Array): Tensor {
  const scaled = perToken(hidden, factors, (value, factor) => value * factor);
  const ratio = fround(fround(mean(hidden)) / fround(mean(scaled)));
  return perToken(scaled, factors, (value) => value * ratio);
}

function perToken(
  { dims, data }: Tensor,
  factors: Float32Array,
  f: (value: number, factor: number, index: number) => number,
): Tensor {
  const width = data.length / factors.length;
  const out = new Float32Array(data.length);
  data.forEach((value, index) => {
    out[index] = f(value, factors[Math.floor(index / width)] ?? 1, index);
  });
  return { dims, data: out };
}

function mean({ data }: Tensor): number {
  let sum = 0;
  for (const value of data) sum += value;
  return sum / data.length;
}
