import type { Model } from '../../../shared/models.ts';
import { maxBatch, maxCallbackLength, maxCallbacks } from '../../../shared/generation.ts';
import { schedulerLabels, sigmaSchedulesOf, timestepSpacingsOf } from '../../../shared/samplers.ts';
import { checkList, decimal, short, whole, type Errors } from './fieldChecks.ts';
import { furtherPrompts, type FormState } from './form.ts';
import { clipSkipRange, everyRange, guidanceRange, mostRange, sigmaRange, smsRange, threadsRange, timestepRange, unitRange } from './formRanges.ts';
import { readNumber } from './readText.ts';
import { takesSigmas, takesTimesteps, usesEta } from './stepPlan.ts';

export function checkAdvanced(form: FormState, model: Model | null): Errors {
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
