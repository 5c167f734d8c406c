import { z } from 'zod';

const seedPattern = /^(0|[1-9][0-9]{0,19})$/;

/** A 64-bit unsigned seed as a decimal string: JSON numbers lose the digits above 2^53. */
export const seedSchema = z
  .string()
  .regex(seedPattern, 'a whole number from 0 to 18446744073709551615')
  .refine((text) => !seedPattern.test(text) || BigInt(text) <= 0xffff_ffff_ffff_ffffn, 'at most 18446744073709551615');

/**
 * Whose noise a seed stands for. `torch-cpu`: MT19937. `torch-cuda`: Philox as a card with that many threads at once fills
 * a tensor (SMs x threads per SM). `a1111-nv`: Philox with a thread for every value: what A1111 and ComfyUI call NV, and
 * what every card gives for small latents.
 */
export const noiseKindSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('torch-cpu') }),
  z.object({ kind: z.literal('torch-cuda'), sms: z.int().min(1).max(1024), threadsPerSm: z.int().min(256).max(4096) }),
  z.object({ kind: z.literal('a1111-nv') }),
]);
export type NoiseKind = z.infer<typeof noiseKindSchema>;
