import { concatRows, repeatRows, type Tensor } from '../tensor/tensor.ts';

/** What steers one side of guidance, one row a picture. The two sides stay apart; a batch of both is made per model call. */
export interface Condition {
  /** [B, tokens, width] */
  readonly promptEmbeds: Tensor;
  /** [B, 1280] of SDXL's second text encoder (`add_text_embeds`); null where the UNet takes none. */
  readonly pooled: Tensor | null;
  /** [B, 6], or [B, 5] with an aesthetic score (`add_time_ids`); null where the UNet takes none. */
  readonly timeIds: Tensor | null;
}

/** What both sides of guidance share beside the sample. */
export interface ModelExtras {
  /** [B, 1, h, w], 1 where it is painted again; of inpainting runs. */
  readonly mask: Tensor | null;
  /** [B, C, h, w], model scale; of inpainting runs. */
  readonly maskedImageLatents: Tensor | null;
  /** [B, time_cond_proj_dim]: the guidance scale told to a UNet that was distilled with it. */
  readonly timestepCond: Tensor | null;
}

/**
 * One UNet forward.
 * @param sample [B, C, h, w], scaled for the model; a UNet that takes the mask too appends it by itself, unscaled
 * @returns the model's output, sides of `sample`
 */
export type NoiseModel = (sample: Tensor, timestep: number, condition: Condition, extras: ModelExtras) => Promise<Tensor>;

/** [negative]*B + [positive]*B, the order of diffusers. */
export function concatConditions(negative: Condition, positive: Condition): Condition {
  return {
    promptEmbeds: concatRows([negative.promptEmbeds, positive.promptEmbeds]),
    pooled: concatBoth(negative.pooled, positive.pooled),
    timeIds: concatBoth(negative.timeIds, positive.timeIds),
  };
}

function concatBoth(negative: Tensor | null, positive: Tensor | null): Tensor | null {
  return negative === null || positive === null ? null : concatRows([negative, positive]);
}

/** The extras for a call of twice the rows. */
export function doubleExtras({ mask, maskedImageLatents, timestepCond }: ModelExtras): ModelExtras {
  const twice = (value: Tensor | null): Tensor | null => (value === null ? null : repeatRows(value, 2));
  return { mask: twice(mask), maskedImageLatents: twice(maskedImageLatents), timestepCond: twice(timestepCond) };
}
