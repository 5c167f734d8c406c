import type { Model } from '../../../shared/contract.ts';
import { maxPromptLength, maxSteps, type GenerationRequest } from '../../../shared/generation.ts';
import type { FormState } from './form.ts';
import { parseSeed } from './seed.ts';

export type FormField =
  | 'modelId'
  | 'prompt'
  | 'negativePrompt'
  | 'steps'
  | 'guidanceScale'
  | 'seed'
  | 'width'
  | 'height'
  | 'count';

/** A message key under `fieldError.` with its numbers. */
export type FieldError =
  | { readonly key: 'wholeNumber' | 'number'; readonly min: number; readonly max: number }
  | { readonly key: 'multiple'; readonly multiple: number; readonly lower: number; readonly upper: number }
  | { readonly key: 'tooLong'; readonly max: number }
  | { readonly key: 'seed' | 'noModel' }
  | { readonly key: 'text'; readonly message: string };

export type FieldErrors = Readonly<Partial<Record<FormField, FieldError>>>;

export const guidanceRange = { min: 0, max: 30 };
export const countRange = { min: 1, max: 64 };

/** Reads a number as people write it, with a point or a comma; null when it is none. */
export function readNumber(text: string): number | null {
  const normal = text.trim().replace(',', '.');
  return /^-?[0-9]+(\.[0-9]*)?$|^-?\.[0-9]+$/.test(normal) ? Number(normal) : null;
}

export function readInteger(text: string, min: number, max: number): number | null {
  const value = readNumber(text);
  return value !== null && Number.isInteger(value) && value >= min && value <= max ? value : null;
}

export function checkForm(form: FormState, model: Model | null): FieldErrors {
  const errors: Partial<Record<FormField, FieldError>> = {};
  const scale = readNumber(form.guidanceScale);
  if (model === null) errors.modelId = { key: 'noModel' };
  if (form.prompt.length > maxPromptLength) errors.prompt = { key: 'tooLong', max: maxPromptLength };
  if (form.negativePrompt.length > maxPromptLength) errors.negativePrompt = { key: 'tooLong', max: maxPromptLength };
  if (readInteger(form.steps, 1, maxSteps) === null) errors.steps = { key: 'wholeNumber', min: 1, max: maxSteps };
  if (scale === null || scale < guidanceRange.min || scale > guidanceRange.max) {
    errors.guidanceScale = { key: 'number', ...guidanceRange };
  }
  if (!form.randomSeed && parseSeed(form.seed) === null) errors.seed = { key: 'seed' };
  if (readInteger(form.count, countRange.min, countRange.max) === null) {
    errors.count = { key: 'wholeNumber', ...countRange };
  }
  for (const side of ['width', 'height'] as const) {
    const error = model === null ? null : checkSide(form[side], model);
    if (error !== null) errors[side] = error;
  }
  return errors;
}

function checkSide(text: string, model: Model): FieldError | null {
  const value = readInteger(text, model.minSide, model.maxSide);
  if (value === null) return { key: 'wholeNumber', min: model.minSide, max: model.maxSide };
  if (value % model.sizeMultiple === 0) return null;
  const lower = Math.floor(value / model.sizeMultiple) * model.sizeMultiple;
  return { key: 'multiple', multiple: model.sizeMultiple, lower, upper: lower + model.sizeMultiple };
}

/** The request of a form that {@link checkForm} found no error in. */
export function toRequest(form: FormState, model: Model, seed: string): GenerationRequest {
  const read = (text: string): number => readNumber(text) ?? 0;
  const steps = read(form.steps);
  return {
    task: 'text-to-image',
    modelId: model.id,
    prompt: form.prompt,
    // An untouched field is "none given"; the interface offers no way to ask for the encoded empty prompt.
    negativePrompt: form.negativeOpen && form.negativePrompt !== '' ? form.negativePrompt : null,
    width: read(form.width),
    height: read(form.height),
    steps,
    guidanceScale: read(form.guidanceScale),
    guidanceEnd:
      form.cutoff === null || form.cutoff >= steps ? { kind: 'never' } : { kind: 'guided-steps', steps: form.cutoff },
    scheduler: form.scheduler,
    seed,
  };
}
