import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { type GenerationRequest, microConditioningSchema, type Reuse } from '../../../shared/generation.ts';
import { schedulerIds, schedulerLabels, takesEta } from '../../../shared/samplers.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';

type Field = keyof GenerationRequest;
/** A path, where a field has parts. */
type Path = Field | `microConditioning.${keyof GenerationRequest['microConditioning']}`;

function refuse(field: Path, message: string, nextStep?: string): never {
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field,
    message: `${field}: ${message}`,
    ...(nextStep === undefined ? {} : { nextStep }),
  });
}

/**
 * What of a request only the model can judge; nothing has been computed yet.
 * @throws StopbathError `INVALID_INPUT` naming the field.
 */
export function checkRequest(request: GenerationRequest, pipeline: Pipeline): void {
  checkSides(request, pipeline);
  if (!pipeline.tasks.includes(request.task)) {
    refuse('task', `${pipeline.modelName} does ${pipeline.tasks.join(' and ')} only.`, `Choose another model for ${request.task}.`);
  }
  const samplers = [request.scheduler, ...request.steering.flatMap(({ steering }) => steering.tail?.scheduler ?? [])];
  if (request.eta !== 0 && !samplers.some(takesEta)) {
    const takers = schedulerIds.filter(takesEta).map((id) => schedulerLabels[id]).join(' or ');
    refuse('eta', `${schedulerLabels[request.scheduler]} takes none.`, `Set it to 0, or choose ${takers}.`);
  }
  for (const { reuse } of [request, ...request.steering.map(({ steering }) => steering)]) if (reuse !== undefined) checkReuse(reuse, pipeline);
  if (pipeline.family === 'sd') checkNoXlFields(request, pipeline);
  const zerosStand = request.negativePrompt === null && pipeline.forceZerosForEmptyPrompt;
  if (zerosStand && (request.negativePrompt2 ?? '') !== '') {
    refuse('negativePrompt2', 'needs a negative prompt: without one this model takes zeros for both encoders.', 'Give a negative prompt, if an empty one.');
  }
}

/** @throws StopbathError `INVALID_INPUT` for a rule the model's graphs do not allow. */
export function checkReuse({ kind }: Reuse, { branches, modelName }: Pipeline): void {
  if (kind !== 'features' || branches !== undefined) return;
  refuse('reuse', `the graphs of ${modelName} were made elsewhere, and give no deep features.`, 'Choose another way to save calls, or open the same model as a .safetensors file.');
}

function checkSides(request: GenerationRequest, { sizeMultiple, modelName }: Pipeline): void {
  for (const field of ['width', 'height'] as const) {
    const side = request[field];
    if (side % sizeMultiple === 0) continue;
    const nearest = Math.max(sizeMultiple, Math.round(side / sizeMultiple) * sizeMultiple);
    refuse(field, `${modelName} draws sizes that are multiples of ${sizeMultiple}.`, `Set the ${field} to ${nearest}.`);
  }
}

/** diffusers has no such arguments for SD: a request that carries them means another model. */
function checkNoXlFields(request: GenerationRequest, { modelName }: Pipeline): void {
  for (const field of ['prompt2', 'negativePrompt2', 'denoisingStart', 'denoisingEnd'] as const) {
    if (request[field] !== null) refuse(field, `is for SDXL models; ${modelName} is none.`, 'Leave it out, or choose an SDXL model.');
  }
  for (const [name, value] of Object.entries(microConditioningSchema.parse({}))) {
    const part = name as keyof GenerationRequest['microConditioning'];
    if (isDeepStrictEqual(request.microConditioning[part], value)) continue;
    refuse(`microConditioning.${part}`, `is for SDXL models; ${modelName} is none.`, 'Leave it out, or choose an SDXL model.');
  }
}

/**
 * Everything of a request decides the picture but the name of its model: the weights tell that. What comes after the
 * checkpoint may be steered otherwise, see `cutAt`.
 * @throws StopbathError `INVALID_INPUT` when going on would not continue the same picture.
 */
export function checkCheckpoint(from: Checkpoint, request: GenerationRequest, { modelHash }: Pipeline): void {
  const anew = (message: string): never => {
    throw new StopbathError({ code: 'INVALID_INPUT', message, nextStep: 'Start the picture anew.' });
  };
  const version: unknown = from.version;
  if (version !== 3) anew('The run was saved by another version of Stopbath, which kept less of it than going on needs.');
  if (!isSameModel(from.modelHash, modelHash)) anew('The run was begun with other model weights.');
  const fields = new Set([...Object.keys(from.request), ...Object.keys(request)] as Field[]);
  for (const field of fields) {
    if (field === 'modelId' || field === 'steering' || isDeepStrictEqual(from.request[field], request[field])) continue;
    const steered = steerable.has(field);
    throw new StopbathError({
      code: 'INVALID_INPUT',
      field,
      message: `The run was begun with another ${field}.`,
      nextStep: steered ? 'Steer it from the next step on, or start the picture anew.' : 'Start the picture anew.',
    });
  }
}

/** LoRAs stand behind the model, each after a plus sign; further ones do not count: where they were not called, their strength was 0. */
function isSameModel(before: string, now: string): boolean {
  const [model, ...loras] = now.split('+');
  const [modelBefore, ...lorasBefore] = before.split('+');
  return model === modelBefore && lorasBefore.every((lora) => loras.includes(lora));
}

const steerable: ReadonlySet<Field> = new Set([
  'loras',
  'guidanceScale',
  'guidanceEnd',
  'guidanceCurve',
  'guidanceInterval',
  'guidanceRescale',
  'prompt',
  'negativePrompt',
  'reuse',
]);
