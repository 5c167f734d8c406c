import type { GenerationRequest } from '../../../shared/generation.ts';
import type { TokenCount } from '../../../shared/job.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type PromptSyntax = GenerationRequest['promptSyntax'];

export interface EncodedPrompt {
  /** [1, 77 * chunks, width] */
  readonly embeds: Tensor;
  /** [1, 1280]: the projected pooled output of SDXL's second text encoder, of the first chunk; null for SD. */
  readonly pooled: Tensor | null;
  /** Of the text itself, without the chunks it was filled up with. */
  readonly count: TokenCount;
}

export interface EncodeOptions {
  readonly syntax: PromptSyntax;
  /** Layers left out at the end, as diffusers' `clip_skip`. diffusers leaves none out for the negative prompt: give 0 there. */
  readonly clipSkip: number;
  /** At least so many chunks of 77; empty ones fill up, as A1111 does. */
  readonly chunks: number;
  /** For SDXL's second text encoder; null, as the empty text in diffusers: the same text. */
  readonly prompt2?: string | null;
  /** Tells states of the text encoders apart whose encodings of the same text differ: the strengths of LoRAs. */
  readonly variant?: string;
}

/**
 * A model's way from text to embeddings. `plain` is diffusers: the text as it stands, one chunk of 77, the rest cut.
 * `a1111` and `comfy` read their own brackets and take as many chunks as the text needs. A schedule is resolved before, by
 * `readPromptSchedule`: what still stands in square brackets here is emphasis or text.
 */
export interface PromptEncoding {
  /**
   * The 32 encodings used last are kept.
   * @throws StopbathError `INVALID_INPUT` with field `clipSkip` where the export lacks the layer, with field `prompt` where
   * an emphasis leaves the range of numbers; `MODEL_NAN`, and `MODEL_TOKENIZER` when an id is outside the encoder's table.
   */
  encode(text: string, options: EncodeOptions): Promise<EncodedPrompt>;
  chunksOf(text: string, syntax: PromptSyntax): number;
  /** Of a text as written; a schedule counts as the longest text it ever takes. */
  count(text: string, syntax: PromptSyntax): TokenCount;
}
