import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Model } from '../../shared/contract.ts';
import { StopbathError } from '../../shared/errors.ts';
import { tasks, type GenerationRequest } from '../../shared/generation.ts';
import { schedulerIds } from '../../shared/samplers.ts';

export interface ModelEntry {
  readonly model: Model;
  readonly folder: string;
  /** SHA-256 of the denoiser's file, hexadecimal; null when nobody has computed it. */
  readonly hash: string | null;
}

export interface Models {
  list(): Model[];
  /** @throws StopbathError `MODEL_NOT_FOUND` */
  get(id: string): ModelEntry;
}

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

export async function openModels(starterFolder: string): Promise<Models> {
  const entries = new Map<string, ModelEntry>();
  const starter = await readStarter(starterFolder);
  entries.set(starter.model.id, starter);
  return {
    list: () => [...entries.values()].map(({ model }) => model),
    get: (id) => {
      const entry = entries.get(id);
      if (entry === undefined) {
        throw new StopbathError({
          code: 'MODEL_NOT_FOUND',
          message: `There is no model ${JSON.stringify(id)}.`,
          nextStep: 'Choose another model.',
          field: 'modelId',
        });
      }
      return entry;
    },
  };
}

async function readStarter(folder: string): Promise<ModelEntry> {
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
  return {
    folder,
    hash: starter.sha256['unet/model.onnx'] ?? null,
    model: {
      id: starterModelId,
      builtIn: true,
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
    },
  };
}

/** @throws StopbathError `INVALID_INPUT` naming the task or the side that this model cannot do. */
export function checkAgainstModel(request: GenerationRequest, model: Model): void {
  if (!model.tasks.includes(request.task)) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `task: ${model.name} does not do ${request.task}.`,
      nextStep: `Choose another model, or one of: ${model.tasks.join(', ')}.`,
      field: 'task',
    });
  }
  for (const field of ['width', 'height'] as const) {
    const side = request[field];
    if (side % model.sizeMultiple === 0 && side >= model.minSide && side <= model.maxSide) continue;
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `${field}: ${model.name} draws ${model.minSide} to ${model.maxSide} pixels, in steps of ${model.sizeMultiple}.`,
      nextStep: `Set the ${field} to ${model[field]}.`,
      field,
    });
  }
}
