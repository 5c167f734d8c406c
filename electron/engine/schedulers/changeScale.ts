import type { NoiseLevel } from '../guidance/prediction.ts';
import { mapTensor, type Tensor } from '../tensor/tensor.ts';

/** What x0 is multiplied by in a sample of that level. */
function signalOf(level: NoiseLevel): number {
  switch (level.kind) {
    case 'exploding':
      return 1;
    case 'preserving':
      return level.alpha;
    case 'flow':
      return 1 - level.sigma;
  }
}

/**
 * A sample as another kind of solver holds it at the same ratio of noise to signal: x_preserving = alpha * x_exploding.
 * @param from a level with signal in it, as after every step
 */
export function rescaledTo(latents: Tensor, from: NoiseLevel, to: NoiseLevel): Tensor {
  if (from.kind === to.kind) return latents;
  const factor = signalOf(to) / signalOf(from);
  return mapTensor(latents, (value) => value * factor);
}
