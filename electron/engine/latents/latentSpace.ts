import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';

/** Linear map from model-scale latents to RGB in -1..1. */
export interface PreviewMap {
  /** One row a latent channel: its share of R, G and B. */
  readonly factors: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** What has to be known of a latent space; nothing of a family outside this record. */
export interface LatentSpace {
  /** Latents in model scale = encoder output times this. */
  readonly scalingFactor: number;
  readonly channels: number;
  /** Pixels a latent spans in each direction. */
  readonly pixelFactor: number;
  readonly preview: PreviewMap;
}

export type FamilyLatents = Pick<LatentSpace, 'scalingFactor' | 'preview'>;

/** Stable Diffusion 1 and 2. Preview: ComfyUI latent_formats.py. */
export const sd1Latents: FamilyLatents = {
  scalingFactor: 0.18215,
  preview: {
    factors: [
      [0.3512, 0.2297, 0.3227],
      [0.325, 0.4974, 0.235],
      [-0.2829, 0.1762, 0.2721],
      [-0.212, -0.2616, -0.7177],
    ],
    bias: [0, 0, 0],
  },
};

/** SDXL. Preview: ComfyUI latent_formats.py. */
export const sdxlLatents: FamilyLatents = {
  scalingFactor: 0.13025,
  preview: {
    factors: [
      [0.3651, 0.4232, 0.4341],
      [-0.2533, -0.0042, 0.1068],
      [0.1076, 0.1111, -0.0362],
      [-0.3165, -0.2492, -0.2188],
    ],
    bias: [0.1084, -0.0175, -0.0011],
  },
};

const vaeSchema = z.object({
  scaling_factor: z.number().positive().optional(),
  latent_channels: z.int().min(1).optional(),
  block_out_channels: z.array(z.int()).min(1).optional(),
  latents_mean: z.null().optional(),
  shift_factor: z.union([z.null(), z.literal(0)]).optional(),
});

const previewSchema = z.object({
  factors: z.array(z.array(z.number()).length(3)),
  bias: z.array(z.number()).length(3),
});

/**
 * @param vaeConfig parsed vae_decoder/config.json
 * @param preview parsed preview.json of the model, or null
 * @throws StopbathError `MODEL_UNSUPPORTED` for latents that need more than a scale.
 */
export function readLatentSpace(vaeConfig: unknown, preview: unknown, family: FamilyLatents): LatentSpace {
  const vae = vaeSchema.safeParse(vaeConfig);
  if (!vae.success) {
    throw new StopbathError({
      code: 'MODEL_UNSUPPORTED',
      message: 'vae_decoder/config.json describes latents this version cannot use.',
      detail: z.prettifyError(vae.error),
    });
  }
  const channels = vae.data.latent_channels ?? 4;
  const own = previewSchema.safeParse(preview);
  return {
    scalingFactor: vae.data.scaling_factor ?? family.scalingFactor,
    channels,
    pixelFactor: 2 ** ((vae.data.block_out_channels?.length ?? 4) - 1),
    // A preview of other channels than the model has would be noise: better the family's.
    preview: own.success && own.data.factors.length === channels ? own.data : family.preview,
  };
}
