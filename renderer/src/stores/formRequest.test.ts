import { describe, expect, it } from 'vitest';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import { model, request } from '../testing/samples.ts';
import { formForModel, formFromRequest, initialForm, readSavedForm, type FormState } from './form.ts';
import { checkForm, readNumber, toRequest } from './formRequest.ts';
import { parseSeed, randomSeed } from './seed.ts';

const form: FormState = { ...initialForm, ...formForModel(model), prompt: 'a red house' };

describe('the form', () => {
  it('finds nothing wrong with what a model is made for', () => {
    expect(checkForm(form, model)).toEqual({});
  });

  it.each([
    ['steps', '0'],
    ['steps', '2.5'],
    ['steps', ''],
    ['steps', '501'],
    ['guidanceScale', '31'],
    ['guidanceScale', 'much'],
    ['count', '65'],
    ['width', '63'],
    ['width', '130'],
    ['height', '264'],
    ['prompt', 'x'.repeat(20_001)],
  ] as const)('says what is wrong with %s = %s', (field, value) => {
    expect(Object.keys(checkForm({ ...form, [field]: value }, model))).toEqual([field]);
  });

  it('names the two sizes next to one that is no multiple', () => {
    expect(checkForm({ ...form, width: '130' }, model).width).toEqual({ key: 'multiple', multiple: 8, lower: 128, upper: 136 });
  });

  it('wants a seed only when it is kept', () => {
    expect(checkForm({ ...form, seed: 'abc', randomSeed: true }, model)).toEqual({});
    expect(checkForm({ ...form, seed: 'abc', randomSeed: false }, model).seed).toEqual({ key: 'seed' });
  });

  it('reads numbers with a point or a comma', () => {
    expect(readNumber('7,5')).toBe(7.5);
    expect(readNumber(' 7. ')).toBe(7);
    expect(readNumber('1e3')).toBeNull();
    expect(readNumber('')).toBeNull();
  });

  it('makes a request that the core accepts', () => {
    expect(parseGenerationRequest(toRequest(form, model, '7'))).toEqual(request);
  });

  it('sends no negative prompt where none was written', () => {
    expect(toRequest({ ...form, negativeOpen: true, negativePrompt: '' }, model, '7').negativePrompt).toBeNull();
    expect(toRequest({ ...form, negativeOpen: false, negativePrompt: 'blurry' }, model, '7').negativePrompt).toBeNull();
    expect(toRequest({ ...form, negativeOpen: true, negativePrompt: 'blurry' }, model, '7').negativePrompt).toBe('blurry');
  });

  it.each([
    [null, { kind: 'never' }],
    [20, { kind: 'never' }],
    [25, { kind: 'never' }],
    [9, { kind: 'guided-steps', steps: 9 }],
    [0, { kind: 'guided-steps', steps: 0 }],
  ] as const)('turns a cutoff of %s into %o', (cutoff, end) => {
    expect(toRequest({ ...form, cutoff }, model, '7').guidanceEnd).toEqual(end);
  });

  it('comes back from a picture as it was sent', () => {
    const sent = { ...request, negativePrompt: 'blurry', seed: '18446744073709551615', guidanceEnd: { kind: 'guided-steps', steps: 9 } } as const;
    const again: FormState = { ...initialForm, ...formFromRequest(sent) };
    expect(toRequest(again, model, again.seed)).toEqual(sent);
  });

  it('keeps its defaults where a saved form is not of this version', () => {
    expect(readSavedForm({ prompt: 'kept', steps: 20, scheduler: 'none', cutoff: -1, other: true })).toEqual({ prompt: 'kept' });
  });
});

describe('seeds', () => {
  it('keep all their digits', () => {
    expect(parseSeed('18446744073709551615')).toBe('18446744073709551615');
    expect(parseSeed('9007199254740993')).toBe('9007199254740993');
  });

  it('lose zeros in front, and nothing else', () => {
    expect(parseSeed(' 007 ')).toBe('7');
  });

  it.each(['', '-1', '1.5', '0x10', '18446744073709551616'])('are refused: %s', (text) => {
    expect(parseSeed(text)).toBeNull();
  });

  it('are rolled in the range of 32 bits', () => {
    for (let roll = 0; roll < 50; roll++) expect(Number(parseSeed(randomSeed()))).toBeLessThan(2 ** 32);
  });
});
