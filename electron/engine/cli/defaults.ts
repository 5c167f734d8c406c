import { z } from 'zod';
import { type SchedulerId, schedulerIds } from '../../../shared/samplers.ts';
import { readOptionalModelJson } from '../pipelines/modelFolder.ts';

/** What a model is run with where nothing else is asked for. */
export interface ModelDefaults {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly scheduler: SchedulerId;
  /** Sides it draws are multiples of this. */
  readonly sizeMultiple: number;
}

const starterSchema = z.object({
  width: z.int(),
  height: z.int(),
  steps: z.int(),
  guidance: z.number(),
  scheduler: z.enum(schedulerIds).optional(),
});

/** The starter model's own when its file names none: the app's default for it too. */
const starterScheduler: SchedulerId = 'ddim';

const configSchema = z.object({
  sample_size: z.int().positive().optional().catch(undefined),
  block_out_channels: z.array(z.unknown()).min(1).optional().catch(undefined),
});

/** Every level but the first halves the sides; Stable Diffusion's UNet and VAE have four. */
function shrinkOf({ block_out_channels: levels }: z.infer<typeof configSchema>): number {
  return 2 ** ((levels?.length ?? 4) - 1);
}

/** From starter.json where a model has one; else what Stable Diffusion is commonly run with, at the UNet's own size. */
export async function readDefaults(folder: string): Promise<ModelDefaults> {
  const unet = configSchema.parse((await readOptionalModelJson(folder, 'unet/config.json')) ?? {});
  const vae = configSchema.parse((await readOptionalModelJson(folder, 'vae_decoder/config.json')) ?? {});
  // Requests take multiples of 8.
  const sizeMultiple = Math.max(8, shrinkOf(unet) * shrinkOf(vae));
  const starter = starterSchema.safeParse(await readOptionalModelJson(folder, 'starter.json'));
  if (starter.success) {
    const { width, height, steps, guidance, scheduler } = starter.data;
    return { width, height, steps, guidanceScale: guidance, scheduler: scheduler ?? starterScheduler, sizeMultiple };
  }
  const side = (unet.sample_size ?? 64) * shrinkOf(vae);
  return { width: side, height: side, steps: 25, guidanceScale: 7.5, scheduler: 'euler', sizeMultiple };
}
