import { z } from 'zod';

/** How a model's tokenizer sees one text. */
export const tokenCountSchema = z.object({
  /** Tokens of every chunk; at least one chunk. */
  chunks: z.array(z.int()),
  /** Tokens a chunk has room for. */
  chunkSize: z.int(),
  /** Tokens that are left out, and the text they stand for. */
  cut: z.int(),
  cutText: z.string(),
});
export type TokenCount = z.infer<typeof tokenCountSchema>;
