import type { ModelUse } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { Model } from '../../../shared/models.ts';

export interface ModelEntry {
  readonly model: Model;
  /** Where the engine finds it: a folder in the standard layout. */
  readonly folder: string;
  /** SHA-256 of the denoiser's weights, hexadecimal; null while nobody has computed it. */
  readonly hash: string | null;
}

/** What runs need to know of the models there are. */
export interface Models {
  list(): Model[];
  /** Also of a model that cannot be used now. @throws StopbathError `MODEL_NOT_FOUND` */
  get(id: string): ModelEntry;
  /**
   * What the engine needs for a run of a request: files are looked for, a checkpoint that has changed is opened again.
   * @throws StopbathError `MODEL_NOT_FOUND`, or what is wrong with the model; `INVALID_INPUT` for a LoRA that is not there.
   */
  use(request: GenerationRequest): Promise<ModelUse>;
}

export function modelNotFound(id: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_NOT_FOUND',
    message: `There is no model ${JSON.stringify(id)}.`,
    nextStep: 'Choose another model.',
    field: 'modelId',
  });
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
