import { z } from 'zod';

/**
 * Model calls left out where an earlier answer serves; a draft, never the default.
 * `unconditional`: its difference to the conditional answer is kept for `every` - 1 further steps. `steps`: a whole step's
 * answer is used again while the clean estimate changes by less than `threshold` (relative RMS), never twice in a row more
 * than `most` times. `features`: one step of `every` runs the whole UNet, the others its outermost layers with the deep features
 * that one left; only models whose graphs are our own.
 */
export const reuseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('unconditional'), every: z.int().min(2).max(10) }),
  z.object({ kind: z.literal('steps'), threshold: z.number().min(0).max(1), most: z.int().min(1).max(5) }),
  z.object({ kind: z.literal('features'), every: z.int().min(2).max(10) }),
]);
export type Reuse = z.infer<typeof reuseSchema>;
