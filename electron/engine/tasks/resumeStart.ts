import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import { type TensorInputName, tensorInputNames } from '../callbacks/callback.ts';
import { guidanceScaleName } from '../callbacks/checkpoint.ts';
import type { Stepper } from '../schedulers/scheduler.ts';
import type { RestorableNoise } from '../tensor/noise.ts';
import { tensorFromPlain } from '../tensor/tensor.ts';
import type { TaskStart } from './start.ts';

/** What a checkpoint keeps beside the tensors callbacks know: see {@link TaskStart.known}. */
export const imageLatentsName = 'image_latents';
export const initialNoiseName = 'initial_noise';

const promptFields = ['prompt', 'morePrompts', 'prompt2', 'negativePrompt', 'negativePrompt2', 'promptSyntax', 'clipSkip'] as const;
const guidanceFields = ['guidanceScale', 'guidanceEnd', 'guidanceCurve', 'guidanceInterval'] as const;
const promptTensors: ReadonlySet<TensorInputName> = new Set([
  'prompt_embeds',
  'negative_prompt_embeds',
  'add_text_embeds',
  'negative_add_text_embeds',
]);

/**
 * A run's beginning out of a checkpoint: nothing is drawn or encoded again, and scheduler and noise go on where they were.
 * What a callback had made of the old prompts is left behind where the request has new ones.
 * @throws StopbathError `INVALID_INPUT` for a state that is not readable.
 */
export function resumeStart(from: Checkpoint, request: GenerationRequest, stepper: Stepper, noise: RestorableNoise): TaskStart {
  const hasNewPrompts = promptFields.some((field) => !isDeepStrictEqual(from.request[field], request[field]));
  stepper.restore(from.stepper);
  noise.restore(from.generator);
  const saved = tensorInputNames.flatMap((name) => {
    const value = from.tensors[name];
    return value === undefined || (hasNewPrompts && promptTensors.has(name)) ? [] : [[name, tensorFromPlain(value)] as const];
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

/** Whether a request asks for the guidance it was begun with; else what steering and callbacks had made of that is left behind. */
export function keepsGuidance(from: Checkpoint, request: GenerationRequest): boolean {
  return guidanceFields.every((field) => isDeepStrictEqual(from.request[field], request[field]));
}

/** The scale a callback had set for the step to come; null where none had. */
export function heldGuidanceScale(from: Checkpoint, request: GenerationRequest): number | null {
  const held = from.tensors[guidanceScaleName];
  if (held === undefined || !keepsGuidance(from, request)) return null;
  return tensorFromPlain(held).data.reduceRight((sum, part) => sum + part, 0);
}
