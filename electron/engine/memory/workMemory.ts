import type { AttentionKind, ModelSize, PartSize } from './modelSize.ts';

/** What one call is asked for. */
export interface CallSize {
  /** Rows of the call: pictures, twice as many where both halves of guidance go as one. */
  readonly rows: number;
  /** Sides in latents. */
  readonly height: number;
  readonly width: number;
}

/**
 * Memory a call takes beside the weights, in bytes: a model of the largest moment, fitted to peaks measured on the CPU with full-size
 * Stable Diffusion 1.5 at 256 to 768 pixels (e2e/fullsize/README.md has the figures and the errors).
 */
export function workBytes(size: ModelSize, part: PartSize, call: CallSize, provider: 'cpu' | 'other'): number {
  // The CPU has no half precision: it computes in float32, with copies of the weights it is at.
  const bytes = part.isHalf && provider === 'other' ? 2 : 4;
  const copies = part.isHalf && provider === 'cpu' ? halfCopies * part.weightBytes : 0;
  return smallest + copies + bytes * valuesOf(size, part, call);
}

/** Whatever the size. */
const smallest = 16 * 2 ** 20;
/** float32 copies of half-precision weights that live at once, as a share of the weights' own bytes. */
const halfCopies = 1.2;

/** Tensors of the scores [heads, tokens, tokens] that live at once. */
const scores: Record<AttentionKind, number> = { fused: 0, plain: 2, added: 4 };
/** Tensors of the outermost level [channels, height, width] that live at once, skip connections and buffers of convolutions among them. */
const unetTensors = 64;
/** The same of its outermost layer alone. */
const shallowTensors = 16;
/** The same of the VAE, whose decoder has twice the channels at its outermost convolution. */
const decoderTensors = 5.5;
const encoderTensors = 2;
/** A convolution lays its input out anew for the processor: all of a small one, and of a large one a piece after the other. */
const unfoldedTensors = 16;
const mostUnfolded = 150e6;

function valuesOf({ heads, channels, vaeChannels, pixelFactor }: ModelSize, { part, attention }: PartSize, { rows, height, width }: CallSize): number {
  const tokens = height * width;
  const pixels = tokens * pixelFactor ** 2;
  switch (part) {
    case 'unet': {
      const attending = Math.max(0, ...heads.map((count, level) => count * (tokens / 4 ** level) ** 2));
      return rows * (scores[attention] * attending + unetTensors * channels * tokens);
    }
    // Its one layer, and the features that wait for it.
    case 'unet_shallow':
      return rows * (scores[attention] * (heads[0] ?? 0) * tokens ** 2 + shallowTensors * channels * tokens);
    // The VAE gets one picture at a time; its middle attends with one head.
    case 'vae_decoder':
      return scores[attention] * tokens ** 2 + Math.max(decoderTensors * vaeChannels * pixels, Math.min(unfoldedTensors * vaeChannels * pixels, mostUnfolded));
    case 'vae_encoder':
      return scores[attention] * tokens ** 2 + encoderTensors * vaeChannels * pixels;
    case 'taesd_decoder':
      return 64 * 4 * pixels;
    default:
      // 77 tokens: a few megabytes.
      return 0;
  }
}
