import { maxPromptLength, maxSteps } from '../../../shared/generation.ts';
import type { FieldError, FormField } from './formFields.ts';
import type { Range } from './formRanges.ts';
import { readInteger, readNumber, readNumberList } from './readText.ts';

/** What was found so far; each check adds its field. */
export type Errors = Partial<Record<FormField, FieldError>>;

const longestList = 2 * maxSteps;

export function whole(errors: Errors, field: FormField, text: string, range: Range): void {
  if (readInteger(text, range.min, range.max) === null) errors[field] = { key: 'wholeNumber', min: range.min, max: range.max };
}

export function decimal(errors: Errors, field: FormField, text: string, range: Range): void {
  const value = readNumber(text);
  if (value === null || value < range.min || value > range.max) errors[field] = { key: 'number', min: range.min, max: range.max };
}

export function short(errors: Errors, field: FormField, text: string): void {
  if (text.length > maxPromptLength) errors[field] = { key: 'tooLong', max: maxPromptLength };
}

export function checkList(errors: Errors, field: FormField, text: string, range: Range, least: number, falling = false): void {
  const values = readNumberList(text);
  if (values === null || values.some((value) => value < range.min || value > range.max)) {
    errors[field] = { key: 'numberList', min: range.min, max: range.max };
  } else if (values.length < least) errors[field] = { key: 'atLeast', count: least };
  else if (values.length > longestList) errors[field] = { key: 'tooMany', max: longestList };
  else if (falling && values.some((value, index) => index > 0 && value >= (values[index - 1] ?? Infinity))) {
    errors[field] = { key: 'falling' };
  }
}
