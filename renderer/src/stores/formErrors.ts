import type { Model } from '../../../shared/models.ts';
import { maxBatch, maxSteps } from '../../../shared/generation.ts';
import { checkAdvanced } from './advancedErrors.ts';
import { decimal, short, whole, type Errors } from './fieldChecks.ts';
import { furtherPrompts, type FormState } from './form.ts';
import type { FieldError, FieldErrors } from './formFields.ts';
import { countRange, guidanceRange, paddingRange, unitRange } from './formRanges.ts';
import { isGoodLora, loraRange } from './loraStrength.ts';
import { readInteger } from './readText.ts';
import { checkSdxl } from './sdxlErrors.ts';
import { parseSeed } from './seed.ts';
import { actingStrength, formSchedule, leastStrength, planSteps, startsByShare, stepsAct, strengthKey } from './stepPlan.ts';

let latest: { readonly form: FormState; readonly model: Model | null; readonly errors: FieldErrors } | null = null;

/** What is wrong with the fields that act; every field asks, so the answer is kept until the form changes. */
export function checkForm(form: FormState, model: Model | null): FieldErrors {
  if (latest?.form === form && latest.model === model) return latest.errors;
  const errors: FieldErrors = {
    ...checkMain(form, model),
    ...checkPicture(form, model),
    ...checkAdvanced(form, model),
    ...(model?.family === 'sdxl' ? checkSdxl(form) : {}),
  };
  latest = { form, model, errors };
  return errors;
}

function checkMain(form: FormState, model: Model | null): Errors {
  const errors: Errors = {};
  if (model === null) errors.modelId = { key: 'noModel' };
  else if (!model.tasks.includes(form.task)) errors.modelId = { key: 'taskUnsupported' };
  if (model?.takesLoras === true && !form.loras.every(isGoodLora)) errors.loras = { key: 'number', ...loraRange };
  short(errors, 'prompt', form.prompt);
  short(errors, 'negativePrompt', form.negativePrompt);
  if (stepsAct(form)) whole(errors, 'steps', form.steps, { min: 1, max: maxSteps });
  decimal(errors, 'guidanceScale', form.guidanceScale, guidanceRange);
  if (form.cutoffBy === 'evidence') decimal(errors, 'cutoffCosine', form.cutoffCosine, unitRange);
  if (!form.randomSeed && parseSeed(form.seed) === null) errors.seed = { key: 'seed' };
  whole(errors, 'count', form.count, countRange);
  const together = form.together ? (readInteger(form.count, 1, countRange.max) ?? 1) : 1;
  if (together * (1 + furtherPrompts(form).length) > maxBatch) errors.count = { key: 'batch', max: maxBatch };
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

function checkPicture(form: FormState, model: Model | null): Errors {
  const errors: Errors = {};
  if (form.task === 'text-to-image') return errors;
  const { image, mask } = form;
  if (image === null) errors.image = { key: 'image' };
  if (form.task === 'inpaint') {
    if (mask === null) errors.mask = { key: 'mask' };
    else if (image !== null && (mask.width !== image.width || mask.height !== image.height)) errors.mask = { key: 'maskSize' };
    if (form.maskPadding !== null) whole(errors, 'maskPadding', form.maskPadding, paddingRange);
  }
  if (startsByShare(form, model)) return errors;
  const strength = actingStrength(form);
  const schedule = formSchedule(form);
  if (strength === null) decimal(errors, 'strength', form[strengthKey(form)], unitRange);
  else if (schedule !== null && planSteps(schedule, strength).calls === 0) {
    errors.strength = { key: 'strength', least: leastStrength(schedule), steps: schedule.asked };
  }
  return errors;
}
