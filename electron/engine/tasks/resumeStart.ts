import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import { tensorInputNames } from '../callbacks/callback.ts';
import { tensorFromPlain } from '../tensor/tensor.ts';
import type { TaskStart } from './taskStart.ts';

/** What a checkpoint keeps beside the tensors callbacks know: see {@link TaskStart.known}. */
export const imageLatentsName = 'image_latents';
export const initialNoiseName = 'initial_noise';

/**
 * A run's beginning out of a checkpoint: nothing is drawn or encoded again.
 * @throws StopbathError `INVALID_INPUT` for a state that is not readable.
 */
export function resumeStart(from: Checkpoint): TaskStart {
  const saved = tensorInputNames.flatMap((name) => {
    const value = from.tensors[name];
    return value === undefined ? [] : [[name, tensorFromPlain(value)] as const];
  });
  const [imageLatents, initialNoise] = [from.tensors[imageLatentsName], from.tensors[initialNoiseName]];
  return {
    tensors: { ...Object.fromEntries(saved), latents: tensorFromPlain(from.latents) },
    known:
      imageLatents === undefined || initialNoise === undefined
        ? null
        : { imageLatents: tensorFromPlain(imageLatents), noise: tensorFromPlain(initialNoise) },
  };
}
