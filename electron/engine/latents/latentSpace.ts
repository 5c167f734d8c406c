import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';

/** Linear map from model-scale latents to RGB in -1..1. */
export interface PreviewMap {
  /** One row a latent channel: its share of R, G and B. */
  readonly factors: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** Mean and standard deviation of every channel of the encoder's output. */
export interface LatentStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What has to be known of a latent space; nothing of a family outside this record. */
export interface LatentSpace {
  /** Latents in model scale = encoder output times this. */
  readonly scalingFactor: number;
  /** Not null: of the encoder output less its mean, over its deviation (EDM-trained SDXL models). */
  readonly statistics: LatentStatistics | null;
  readonly channels: number;
  /** Pixels a latent spans in each direction. */
  readonly pixelFactor: number;
  readonly preview: PreviewMap;
}

export interface FamilyLatents extends Pick<LatentSpace, 'scalingFactor' | 'preview'> {
  /** Whether diffusers' pipelines of the family heed latents_mean and latents_std. */
  readonly hasStatistics: boolean;
}

/** Stable Diffusion 1 and 2. Preview: ComfyUI latent_formats.py. */
export const sd1Latents: FamilyLatents = {
  scalingFactor: 0.18215,
  hasStatistics: false,
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
  hasStatistics: true,
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
  latents_mean: z.array(z.number()).nullable().optional(),
  latents_std: z.array(z.number()).nullable().optional(),
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
  if (!vae.success) throw unusable(z.prettifyError(vae.error));
  const channels = vae.data.latent_channels ?? 4;
  const own = previewSchema.safeParse(preview);
  return {
    scalingFactor: vae.data.scaling_factor ?? family.scalingFactor,
    statistics: readStatistics(vae.data, channels, family),
    channels,
    pixelFactor: 2 ** ((vae.data.block_out_channels?.length ?? 4) - 1),
    // A preview of other channels than the model has would be noise: better the family's.
    preview: own.success && own.data.factors.length === channels ? own.data : family.preview,
  };
}

/** Only both together count, as in diffusers. */
function readStatistics(vae: z.output<typeof vaeSchema>, channels: number, family: FamilyLatents): LatentStatistics | null {
  const [mean, std] = [vae.latents_mean ?? null, vae.latents_std ?? null];
  if (mean === null && std === null) return null;
  if (!family.hasStatistics) throw unusable('latents_mean and latents_std belong to SDXL models');
  if (mean === null || std === null) return null;
  if (mean.length !== channels || std.length !== channels) throw unusable(`latents_mean and latents_std are not of ${channels} channels`);
  return { mean, std };
}

function unusable(detail: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: 'vae_decoder/config.json describes latents this version cannot use.',
    detail,
  });
}
