import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import { tasks } from '../../../shared/generation.ts';
import { schedulerIds } from '../../../shared/samplers.ts';
import { folderBytes } from './folderBytes.ts';
import type { ModelEntry } from './models.ts';

/** `starter.json` as the recipe in assets/starter writes it. */
const starterSchema = z.object({
  name: z.string(),
  description: z.string(),
  width: z.int(),
  height: z.int(),
  steps: z.int(),
  guidance: z.number(),
  scheduler: z.enum(schedulerIds).default('ddim'),
  sizeMultiple: z.int().min(1).default(8),
  minSide: z.int().optional(),
  maxSide: z.int().optional(),
  examplePrompts: z.array(z.string()),
  sha256: z.record(z.string(), z.string()).default({}),
});

export const starterModelId = 'starter';

/** The built-in model. @throws StopbathError `MODEL_BAD` */
export async function readStarter(folder: string): Promise<ModelEntry> {
  const file = join(folder, 'starter.json');
  let starter: z.output<typeof starterSchema>;
  try {
    starter = starterSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new StopbathError(
      {
        code: 'MODEL_BAD',
        message: 'The built-in model is damaged or missing.',
        nextStep: 'Install Stopbath again.',
        detail: `${file}: ${error instanceof Error ? error.message : String(error)}`,
      },
      { cause: error },
    );
  }
  const { name, description, width, height, steps, scheduler, sizeMultiple, examplePrompts } = starter;
  const hash = starter.sha256['unet/model.onnx'] ?? null;
  return {
    folder,
    hash,
    model: {
      id: starterModelId,
      builtIn: true,
      origin: 'built-in',
      family: 'sd',
      // Its vae_encoder is part of it.
      tasks: [...tasks],
      name,
      description,
      width,
      height,
      steps,
      scheduler,
      sizeMultiple,
      examplePrompts,
      minSide: starter.minSide ?? 64,
      // It was trained at one size; twice that still runs, but repeats what it draws.
      maxSide: starter.maxSide ?? 2 * Math.max(width, height),
      guidanceScale: starter.guidance,
      takesLoras: false,
      path: null,
      isOwn: false,
      bytes: await folderBytes(folder),
      hash,
      repo: null,
      predictionType: 'epsilon',
      uncertain: [],
      graphs: null,
      problem: null,
    },
  };
}
