import { decimal, short, type Errors } from './fieldChecks.ts';
import type { FormState } from './form.ts';
import { scoreRange } from './formRanges.ts';
import { readNumber, readPair } from './readText.ts';

const sizes = ['originalSize', 'targetSize', 'negativeOriginalSize', 'negativeTargetSize'] as const;
const corners = ['cropTopLeft', 'negativeCropTopLeft'] as const;
const farthest = 8192;

export function checkSdxl(form: FormState): Errors {
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
