import type { RunInputs } from '../../../shared/engineProtocol.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { StepTensors } from '../callbacks/callback.ts';
import type { KnownPicture } from '../denoise.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import type { StepWindow } from '../schedulers/course.ts';
import type { Stepper } from '../schedulers/scheduler.ts';
import type { NoiseSource } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Where the loop begins. Every start draws its noise in the order of diffusers: a seed means that order. */
export interface TaskStart {
  /** Over what the conditions say: a resumed run brings what callbacks had replaced. */
  readonly tensors: StepTensors & { readonly latents: Tensor };
  /** What is put back after every step; only of inpainting with a UNet that does not take the mask. */
  readonly known: KnownPicture | null;
}

export interface StartInput {
  readonly request: GenerationRequest;
  readonly inputs: RunInputs | null;
  readonly pipeline: Pipeline;
  readonly stepper: Stepper;
  readonly window: StepWindow;
  readonly noise: NoiseSource;
}
