import { z } from 'zod';
import { type SchedulerId, schedulerIds } from '../../../shared/generation.ts';
import { readOptionalModelJson } from '../pipelines/modelFolder.ts';

/** What a model is run with where nothing else is asked for. */
export interface ModelDefaults {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly scheduler: SchedulerId;
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

/** From starter.json where a model has one; else what Stable Diffusion is commonly run with, at the UNet's own size. */
export async function readDefaults(folder: string): Promise<ModelDefaults> {
  const starter = starterSchema.safeParse(await readOptionalModelJson(folder, 'starter.json'));
  if (starter.success) {
    const { width, height, steps, guidance, scheduler } = starter.data;
    return { width, height, steps, guidanceScale: guidance, scheduler: scheduler ?? starterScheduler };
  }
  const sampleSize = (await readOptionalModelJson(folder, 'unet/config.json'))?.['sample_size'];
  const side = typeof sampleSize === 'number' ? sampleSize * 8 : 512;
  return { width: side, height: side, steps: 25, guidanceScale: 7.5, scheduler: 'euler' };
}
