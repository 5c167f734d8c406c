/** Element types a checkpoint may hold and a graph can read in place; names as in safetensors headers. */
export type WeightType = 'F32' | 'F16' | 'BF16';

/**
 * A tensor inside a file, by its bytes: the graph names this range and ONNX Runtime maps it; nothing is copied. Part of a fused
 * tensor (rows of a QKV matrix) is a range of its own, and a 1 x 1 convolution read as a matrix is the same range with other `dims`.
 */
export interface WeightRef {
  /** Name of the file beside the graph: its own, or a hard link. */
  readonly file: string;
  /** Bytes from the beginning of the file. */
  readonly offset: number;
  readonly length: number;
  readonly type: WeightType;
  readonly dims: readonly number[];
  /** The two sides lie the other way round than asked for: OpenCLIP's text projection. */
  readonly transposed?: boolean;
}

/** The weights of one part under the names diffusers (UNet, VAE) and transformers (text encoders) give them, whatever the file calls them. */
export interface Weights {
  has(name: string): boolean;
  /** @throws StopbathError `MODEL_BAD` naming the tensor that is missing. */
  get(name: string): WeightRef;
  names(): Iterable<string>;
}

/** A low-rank change of one layer: `strengths[index] * scale * up(mid(down(x)))`. */
export interface Adapter {
  /** Place in the graph's input `lora_strengths`, one float a LoRA. */
  readonly index: number;
  /** alpha / rank. */
  readonly scale: number;
  /** Linear: [rank, in]. Convolution: [rank, in, kh, kw]. */
  readonly down: WeightRef;
  /** [out, rank], of a convolution [out, rank, 1, 1]. */
  readonly up: WeightRef;
  /** [rank, rank, kh, kw] of a Tucker-decomposed convolution. */
  readonly mid?: WeightRef;
}

/** What all chosen LoRAs add to the layers of one part. */
export interface Adapters {
  /** LoRAs in all: length of the input `lora_strengths`; 0: the graph has no such input. */
  readonly count: number;
  /** @param layer diffusers name without `.weight`, e.g. `down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q` */
  of(layer: string): readonly Adapter[];
  /** Of a text encoder: rows behind its token table, [vectors, width] each; ids from `firstEmbeddingId` on pick them. Left out: none. */
  readonly embeddings?: readonly WeightRef[];
}

/** Id of the first row of `Adapters.embeddings`: beyond every vocabulary, so that neither side has to know its size. */
export const firstEmbeddingId = 2 ** 20;

export const noAdapters: Adapters = { count: 0, of: () => [] };
