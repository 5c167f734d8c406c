import type { Model } from '../../../shared/models.ts';
import { maxBatch, maxCallbackLength, maxCallbacks, maxPromptLength, maxSteps } from '../../../shared/generation.ts';
import { schedulerLabels, sigmaSchedulesOf, timestepSpacingsOf } from '../../../shared/samplers.ts';
import { furtherPrompts, type FormState } from './form.ts';
import { isGoodLora, loraRange } from './loraStrength.ts';
import { readInteger, readNumber, readNumberList, readPair } from './readText.ts';
import { parseSeed } from './seed.ts';
import {
  actingStrength,
  formSchedule,
  leastStrength,
  planSteps,
  startsByShare,
  stepsAct,
  strengthKey,
  takesSigmas,
  takesTimesteps,
  usesEta,
} from './stepPlan.ts';

/** Fields an error can stand at. */
export const formFields = [
  'modelId',
  'loras',
  'prompt',
  'negativePrompt',
  'image',
  'mask',
  'strength',
  'maskPadding',
  'width',
  'height',
  'steps',
  'scheduler',
  'sigmaSchedule',
  'guidanceScale',
  'cutoff',
  'cutoffCosine',
  'seed',
  'count',
  'clipSkip',
  'morePrompts',
  'guidanceCurve',
  'guidanceTo',
  'guidanceScales',
  'sigmaLow',
  'sigmaHigh',
  'guidanceRescale',
  'reuseEvery',
  'reuseThreshold',
  'reuseMost',
  'callbacks',
  'timestepSpacing',
  'eta',
  'timesteps',
  'sigmas',
  'sms',
  'threadsPerSm',
  'batchSeeds',
  'prompt2',
  'negativePrompt2',
  'originalSize',
  'cropTopLeft',
  'targetSize',
  'negativeOriginalSize',
  'negativeCropTopLeft',
  'negativeTargetSize',
  'aestheticScore',
  'negativeAestheticScore',
  'denoisingStart',
  'denoisingEnd',
] as const;
export type FormField = (typeof formFields)[number];

/** A message key under `fieldError.` with its numbers. */
export type FieldError =
  | { readonly key: 'wholeNumber' | 'number' | 'numberList'; readonly min: number; readonly max: number }
  | { readonly key: 'multiple'; readonly multiple: number; readonly lower: number; readonly upper: number }
  | { readonly key: 'tooLong' | 'tooMany' | 'batch'; readonly max: number }
  | { readonly key: 'strength'; readonly least: number; readonly steps: number }
  | { readonly key: 'atLeast'; readonly count: number }
  | { readonly key: 'afterStart'; readonly start: string }
  | { readonly key: 'samplerLacks' | 'noTimesteps' | 'noSigmas'; readonly sampler: string }
  | { readonly key: PlainErrorKey }
  | { readonly key: 'text'; readonly message: string };

type PlainErrorKey =
  | 'seed'
  | 'noFeatures'
  | 'noModel'
  | 'taskUnsupported'
  | 'image'
  | 'mask'
  | 'maskSize'
  | 'falling'
  | 'oneList'
  | 'listAndSchedule'
  | 'interval'
  | 'size'
  | 'corner'
  | 'share'
  | 'callbackName';

export type FieldErrors = Readonly<Partial<Record<FormField, FieldError>>>;

export const guidanceRange = { min: 0, max: 30 };
export const countRange = { min: 1, max: 64 };
export const clipSkipRange = { min: 0, max: 12 };
export const paddingRange = { min: 0, max: 1024 };
export const smsRange = { min: 1, max: 1024 };
export const threadsRange = { min: 256, max: 4096 };
export const scoreRange = { min: 0, max: 10 };
export const unitRange = { min: 0, max: 1 };
export const everyRange = { min: 2, max: 10 };
export const mostRange = { min: 1, max: 5 };
export const sigmaRange = { min: 0, max: 10_000 };
export const timestepRange = { min: 0, max: 1000 };
const longestList = 2 * maxSteps;

interface Range {
  readonly min: number;
  readonly max: number;
}

type Errors = Partial<Record<FormField, FieldError>>;

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

function whole(errors: Errors, field: FormField, text: string, range: Range): void {
  if (readInteger(text, range.min, range.max) === null) errors[field] = { key: 'wholeNumber', min: range.min, max: range.max };
}

function decimal(errors: Errors, field: FormField, text: string, range: Range): void {
  const value = readNumber(text);
  if (value === null || value < range.min || value > range.max) errors[field] = { key: 'number', min: range.min, max: range.max };
}

function short(errors: Errors, field: FormField, text: string): void {
  if (text.length > maxPromptLength) errors[field] = { key: 'tooLong', max: maxPromptLength };
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

function checkAdvanced(form: FormState, model: Model | null): Errors {
  const errors: Errors = {};
  whole(errors, 'clipSkip', form.clipSkip, clipSkipRange);
  if (furtherPrompts(form).length > maxBatch - 1) errors.morePrompts = { key: 'tooMany', max: maxBatch - 1 };
  else for (const prompt of form.morePrompts) short(errors, 'morePrompts', prompt);
  decimal(errors, 'guidanceRescale', form.guidanceRescale, unitRange);
  if (usesEta(form.scheduler)) decimal(errors, 'eta', form.eta, unitRange);
  if (form.guidanceCurve === 'linear' || form.guidanceCurve === 'cosine') decimal(errors, 'guidanceTo', form.guidanceTo, guidanceRange);
  checkReuse(errors, form, model);
  checkCallbacks(errors, form);
  if (form.guidanceCurve === 'list') checkList(errors, 'guidanceScales', form.guidanceScales, guidanceRange, 1);
  if (form.noise === 'torch-cuda') {
    whole(errors, 'sms', form.sms, smsRange);
    whole(errors, 'threadsPerSm', form.threadsPerSm, threadsRange);
  }
  checkInterval(errors, form);
  checkSchedule(errors, form);
  return errors;
}

function checkReuse(errors: Errors, form: FormState, model: Model | null): void {
  if (form.reuse === 'unconditional' || form.reuse === 'features') whole(errors, 'reuseEvery', form.reuseEvery, everyRange);
  if (form.reuse === 'features' && model?.takesLoras === false) errors.reuseEvery = { key: 'noFeatures' };
  if (form.reuse !== 'steps') return;
  decimal(errors, 'reuseThreshold', form.reuseThreshold, unitRange);
  whole(errors, 'reuseMost', form.reuseMost, mostRange);
}

function checkCallbacks(errors: Errors, { callbacks }: FormState): void {
  const on = callbacks.filter((callback) => callback.on);
  if (on.length > maxCallbacks) errors.callbacks = { key: 'tooMany', max: maxCallbacks };
  else if (on.some(({ source }) => source.length > maxCallbackLength)) errors.callbacks = { key: 'tooLong', max: maxCallbackLength };
  else if (on.some(({ name }) => name.trim() === '')) errors.callbacks = { key: 'callbackName' };
}

function checkInterval(errors: Errors, form: FormState): void {
  if (form.sigmaLow.trim() !== '') decimal(errors, 'sigmaLow', form.sigmaLow, sigmaRange);
  if (form.sigmaHigh.trim() === '') return;
  decimal(errors, 'sigmaHigh', form.sigmaHigh, sigmaRange);
  if (errors.sigmaHigh === undefined && (readNumber(form.sigmaLow) ?? 0) > (readNumber(form.sigmaHigh) ?? 0)) {
    errors.sigmaHigh = { key: 'interval' };
  }
}

function checkSchedule(errors: Errors, form: FormState): void {
  const timesteps = form.timesteps.trim() !== '';
  const sigmas = form.sigmas.trim() !== '';
  if (timesteps) checkList(errors, 'timesteps', form.timesteps, timestepRange, 1, true);
  if (sigmas) checkList(errors, 'sigmas', form.sigmas, sigmaRange, 2, true);
  if (timesteps && sigmas) errors.sigmas = { key: 'oneList' };
  checkSampler(errors, form, { timesteps, sigmas });
}

/** What the chosen sampler cannot follow. */
function checkSampler(errors: Errors, form: FormState, lists: { readonly timesteps: boolean; readonly sigmas: boolean }): void {
  const { scheduler, sigmaSchedule, timestepSpacing } = form;
  const sampler = schedulerLabels[scheduler];
  if (lists.timesteps && !takesTimesteps(scheduler)) errors.timesteps = { key: 'noTimesteps', sampler };
  if (lists.sigmas && !takesSigmas(scheduler)) errors.sigmas = { key: 'noSigmas', sampler };
  if (!timestepSpacingsOf(scheduler).includes(timestepSpacing)) errors.timestepSpacing = { key: 'samplerLacks', sampler };
  if (!sigmaSchedulesOf(scheduler).includes(sigmaSchedule)) errors.sigmaSchedule = { key: 'samplerLacks', sampler };
  else if ((lists.timesteps || lists.sigmas) && sigmaSchedule !== 'automatic' && sigmaSchedule !== 'uniform') {
    errors.sigmaSchedule = { key: 'listAndSchedule' };
  }
}

function checkList(errors: Errors, field: FormField, text: string, range: Range, least: number, falling = false): void {
  const values = readNumberList(text);
  if (values === null || values.some((value) => value < range.min || value > range.max)) {
    errors[field] = { key: 'numberList', min: range.min, max: range.max };
  } else if (values.length < least) errors[field] = { key: 'atLeast', count: least };
  else if (values.length > longestList) errors[field] = { key: 'tooMany', max: longestList };
  else if (falling && values.some((value, index) => index > 0 && value >= (values[index - 1] ?? Infinity))) {
    errors[field] = { key: 'falling' };
  }
}

const sizes = ['originalSize', 'targetSize', 'negativeOriginalSize', 'negativeTargetSize'] as const;
const corners = ['cropTopLeft', 'negativeCropTopLeft'] as const;
const farthest = 8192;

function checkSdxl(form: FormState): Errors {
  const errors: Errors = {};
  short(errors, 'prompt2', form.prompt2);
  short(errors, 'negativePrompt2', form.negativePrompt2);
  const within = (text: string, min: number): boolean => {
    const pair = readPair(text);
    return pair !== null && [pair.first, pair.second].every((value) => value >= min && value <= farthest);
  };
  for (const field of sizes) if (form[field].trim() !== '' && !within(form[field], 1)) errors[field] = { key: 'size' };
  for (const field of corners) if (form[field].trim() !== '' && !within(form[field], -farthest)) errors[field] = { key: 'corner' };
  decimal(errors, 'aestheticScore', form.aestheticScore, scoreRange);
  decimal(errors, 'negativeAestheticScore', form.negativeAestheticScore, scoreRange);
  checkShares(errors, form);
  return errors;
}

function checkShares(errors: Errors, form: FormState): void {
  const read = (field: 'denoisingStart' | 'denoisingEnd'): number | null => {
    if (form[field].trim() === '') return null;
    const value = readNumber(form[field]);
    if (value === null || value <= 0 || value >= 1) errors[field] = { key: 'share' };
    return value;
  };
  const start = form.task === 'text-to-image' ? null : read('denoisingStart');
  const end = read('denoisingEnd');
  if (start !== null && end !== null && errors.denoisingEnd === undefined && start >= end) {
    errors.denoisingEnd = { key: 'afterStart', start: form.denoisingStart.trim() };
  }
}
