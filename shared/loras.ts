import { z } from 'zod';

export const maxLoras = 8;
export const loraStrengthSchema = z.number().min(-4).max(4);
export const loraNameSchema = z.string().min(1).max(200);

/** How a LoRA's strength runs over the steps; `at` is the share of the run's steps, ascending, straight lines between. */
export const loraCurveSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('constant') }),
  z.object({
    kind: z.literal('points'),
    points: z.array(z.object({ at: z.number().min(0).max(1), strength: loraStrengthSchema })).min(1).max(64),
  }),
]);
export type LoraCurve = z.infer<typeof loraCurveSchema>;

/** A LoRA by its file name without the ending. `<lora:name:0.8>` in a prompt adds one, too. At 0 it changes nothing, bit for bit. */
export const loraSchema = z.object({
  name: loraNameSchema,
  strength: loraStrengthSchema.default(1),
  /** For the text encoders; null: as `strength`. */
  textStrength: loraStrengthSchema.nullable().default(null),
  curve: loraCurveSchema.default({ kind: 'constant' }),
});
export type Lora = z.infer<typeof loraSchema>;
