import type { Tensor } from '../tensor/tensor.ts';
import type { StepCallback } from './callback.ts';

export interface SavedLatents {
  readonly stepIndex: number;
  readonly timestep: number;
  /** Noise level of the step, in sigma units; the latents after it stand at that of the next one. */
  readonly sigma: number;
  /** [B, C, h, w] as earlier callbacks left them; a copy, the receiver's own. */
  readonly latents: Tensor;
}

/** Hands every step's latents to a sink; a sink that takes its time is waited for. */
export function saveLatents(sink: (saved: SavedLatents) => void | Promise<void>): StepCallback {
  return {
    name: 'saveLatents',
    callbackOnStepEndTensorInputs: ['latents'],
    async callbackOnStepEnd(run, stepIndex, timestep, tensors) {
      const { dims, data } = tensors.latents ?? run.latents;
      await sink({ stepIndex, timestep, sigma: run.sigma, latents: { dims: [...dims], data: data.slice() } });
      return undefined;
    },
  };
}
