import type { StepTensors } from './callbacks/callback.ts';
import type { Condition, ModelExtras } from './guidance/condition.ts';
import type { Tensor } from './tensor/tensor.ts';

/** Every tensor a run holds, by the name callbacks know it by; B rows each. */
export type RunTensors = StepTensors & {
  readonly latents: Tensor;
  readonly prompt_embeds: Tensor;
  readonly negative_prompt_embeds: Tensor;
};

export function conditionOf(tensors: RunTensors, side: 'positive' | 'negative'): Condition {
  if (side === 'positive') {
    return {
      promptEmbeds: tensors.prompt_embeds,
      pooled: tensors.add_text_embeds ?? null,
      timeIds: tensors.add_time_ids ?? null,
    };
  }
  return {
    promptEmbeds: tensors.negative_prompt_embeds,
    pooled: tensors.negative_add_text_embeds ?? null,
    timeIds: tensors.negative_add_time_ids ?? null,
  };
}

export function extrasOf(tensors: RunTensors): ModelExtras {
  return {
    mask: tensors.mask ?? null,
    maskedImageLatents: tensors.masked_image_latents ?? null,
    timestepCond: tensors.w_embedding ?? null,
  };
}
