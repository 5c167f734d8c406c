import { describe, expect, it } from 'vitest';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import { model, request } from '../testing/samples.ts';
import { formForModel, initialForm, type FormState } from './form.ts';
import { checkForm } from './formErrors.ts';
import { formFromRequest, splitCount, toRequest } from './formRequest.ts';
import { formToSave, readSavedForm } from './formSaved.ts';
import { readNumber, readNumberList, readPair } from './readText.ts';
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

const picture = { id: 'a'.repeat(64), width: 200, height: 100 };
const mask = { id: 'b'.repeat(64), width: 200, height: 100 };
const xl = { ...model, family: 'sdxl' } as const;
const filled: FormState = {
  ...form,
  image: picture,
  mask,
  strength: '0.5',
  inpaintStrength: '0.9',
  maskPadding: '32',
  keepUnmasked: false,
  negativeOpen: true,
  negativePrompt: 'blurry',
  prompt2: 'second',
  negativePrompt2: 'grey',
  promptSyntax: 'comfy',
  clipSkip: '2',
  morePrompts: ['a blue house'],
  guidanceCurve: 'cosine',
  guidanceTo: '2',
  sigmaLow: '0,5',
  sigmaHigh: '',
  guidanceRescale: '0.7',
  sigmaSchedule: 'uniform',
  timestepSpacing: 'trailing',
  eta: '0.3',
  noise: 'torch-cuda',
  count: '4',
  together: true,
  batchSeeds: 'shared',
  originalSize: '1024 x 768',
  cropTopLeft: '8, 16',
  negativeTargetSize: '512×512',
  denoisingStart: '0.2',
  denoisingEnd: '0.8',
};

describe('a form with everything in it', () => {
  it.each(['text-to-image', 'image-to-image', 'inpaint'] as const)('makes a request that the core accepts and that fills it again: %s', (task) => {
    for (const on of [model, xl]) {
      const sent = toRequest({ ...filled, task }, on, '7');
      expect(checkForm({ ...filled, task }, on)).toEqual({});
      expect(parseGenerationRequest(sent)).toEqual(sent);
      const again: FormState = { ...initialForm, ...formFromRequest(sent) };
      expect(toRequest(again, on, again.seed)).toEqual(sent);
    }
  });

  it('sends only what its task is about, and keeps the rest', () => {
    expect(toRequest({ ...filled, task: 'text-to-image' }, xl, '7')).toMatchObject({ image: null, mask: null, maskPadding: null, denoisingStart: null, denoisingEnd: 0.8 });
    expect(toRequest({ ...filled, task: 'image-to-image' }, model, '7')).toMatchObject({ image: picture, mask: null, strength: 0.5 });
    expect(toRequest({ ...filled, task: 'inpaint' }, model, '7')).toMatchObject({ image: picture, mask, strength: 0.9, maskPadding: 32, keepUnmasked: false });
    const text = formFromRequest(toRequest({ ...filled, task: 'text-to-image' }, model, '7'));
    expect(text).not.toHaveProperty('image');
  });

  it('sends what only SDXL knows to SDXL only', () => {
    expect(toRequest({ ...filled, task: 'text-to-image' }, model, '7')).toMatchObject({ prompt2: null, negativePrompt2: null, denoisingEnd: null });
    expect(toRequest({ ...filled, task: 'text-to-image' }, xl, '7').microConditioning).toMatchObject({
      originalSize: { width: 1024, height: 768 },
      cropTopLeft: { top: 8, left: 16 },
      targetSize: null,
      negativeTargetSize: { width: 512, height: 512 },
    });
  });

  it('draws several pictures in one run, or one run each', () => {
    expect(splitCount(filled)).toEqual({ imagesPerPrompt: 4, runs: 1 });
    expect(splitCount({ ...filled, together: false })).toEqual({ imagesPerPrompt: 1, runs: 4 });
    expect(checkForm({ ...form, count: '17', together: true }, model).count).toEqual({ key: 'batch', max: 16 });
    expect(checkForm({ ...filled, count: '9' }, model).count).toEqual({ key: 'batch', max: 16 });
  });

  it('counts no blank line as a prompt', () => {
    expect(toRequest({ ...filled, morePrompts: ['', 'a blue house', ' '] }, model, '7').morePrompts).toEqual(['a blue house']);
  });

  it('needs no readable number of steps beside a list', () => {
    const listed: FormState = { ...filled, scheduler: 'euler', timesteps: '999 500 1', steps: 'x' };
    expect(checkForm(listed, model)).toEqual({});
    expect(parseGenerationRequest(toRequest(listed, model, '7'))).toMatchObject({ steps: 3, timesteps: [999, 500, 1] });
  });

  it('reads an interval with one end', () => {
    expect(toRequest(filled, model, '7').guidanceInterval).toEqual({ sigmaLow: 0.5, sigmaHigh: 10_000 });
    expect(toRequest({ ...filled, sigmaLow: '' }, model, '7').guidanceInterval).toBeNull();
  });

  it('sends eta only to a sampler that has it', () => {
    expect(toRequest(filled, model, '7').eta).toBe(0.3);
    expect(toRequest({ ...filled, scheduler: 'euler' }, model, '7').eta).toBe(0);
  });

  it('takes along what was done to the run of the picture it comes from, and sends it', () => {
    const steering = [{ afterStep: 3, steering: { prompt: 'a dog', guidanceScale: 6 } }];
    const taken = { ...form, ...formFromRequest({ ...request, steering }) };
    expect(toRequest(taken, model, '7').steering).toEqual(steering);
    expect(readSavedForm(formToSave(taken)).steering).toEqual(steering);
    expect(toRequest({ ...taken, ...formFromRequest(request) }, model, '7').steering).toEqual([]);
    expect(readSavedForm({ steering: [{ afterStep: -1 }] }).steering).toBeUndefined();
  });

  it('survives a restart', () => {
    expect(readSavedForm(JSON.parse(JSON.stringify(formToSave(filled))) as Record<string, unknown>)).toEqual(filled);
  });

  it('takes the sampler of a form saved when Karras sigmas were one', () => {
    expect(readSavedForm({ scheduler: 'dpmpp_2m_karras' })).toEqual({ scheduler: 'dpmpp_2m', sigmaSchedule: 'karras' });
  });

  it('leaves aside what a saved form cannot mean', () => {
    expect(readSavedForm({ task: 'video', image: { id: 'x' }, morePrompts: [1], noise: 'none', maskPadding: 3, strength: 0.5 })).toEqual({});
  });
});

describe('the checks of pictures and advanced settings', () => {
  const inpaint: FormState = { ...form, scheduler: 'euler', task: 'inpaint', image: picture, mask };

  it.each([
    [{ image: null, mask: null }, { image: { key: 'image' }, mask: { key: 'mask' } }],
    [{ mask: { ...mask, width: 100 } }, { mask: { key: 'maskSize' } }],
    [{ inpaintStrength: '1.2' }, { strength: { key: 'number', min: 0, max: 1 } }],
    [{ inpaintStrength: '0.04' }, { strength: { key: 'strength', least: 0.05, steps: 20 } }],
    [{ maskPadding: '-1' }, { maskPadding: { key: 'wholeNumber', min: 0, max: 1024 } }],
    [{ clipSkip: '13' }, { clipSkip: { key: 'wholeNumber', min: 0, max: 12 } }],
    [{ guidanceCurve: 'list', guidanceScales: '' }, { guidanceScales: { key: 'atLeast', count: 1 } }],
    [{ guidanceTo: 'x' }, {}],
    [{ guidanceCurve: 'linear', guidanceTo: 'x' }, { guidanceTo: { key: 'number', min: 0, max: 30 } }],
    [{ sigmaLow: '3', sigmaHigh: '2' }, { sigmaHigh: { key: 'interval' } }],
    [{ timesteps: '9, 8, 9' }, { timesteps: { key: 'falling' } }],
    [{ timesteps: '9, x' }, { timesteps: { key: 'numberList', min: 0, max: 1000 } }],
    [{ timesteps: '999 1', sigmas: '14 0' }, { sigmas: { key: 'oneList' } }],
    [{ scheduler: 'ddim', timesteps: '999 1' }, { timesteps: { key: 'noTimesteps', sampler: 'DDIM' } }],
    [{ scheduler: 'heun', sigmas: '14 0' }, { sigmas: { key: 'noSigmas', sampler: 'Heun' } }],
    [{ scheduler: 'ddim', sigmaSchedule: 'karras' }, { sigmaSchedule: { key: 'samplerLacks', sampler: 'DDIM' } }],
    [{ scheduler: 'lcm', timestepSpacing: 'trailing' }, { timestepSpacing: { key: 'samplerLacks', sampler: 'LCM' } }],
    [{ sigmaSchedule: 'karras', timesteps: '999 1' }, { sigmaSchedule: { key: 'listAndSchedule' } }],
    [{ noise: 'torch-cuda', sms: '0' }, { sms: { key: 'wholeNumber', min: 1, max: 1024 } }],
    [{ noise: 'torch-cpu', sms: '0' }, {}],
    [{ originalSize: '12' }, {}],
  ] as const)('find with %o', (change, errors) => {
    expect(checkForm({ ...inpaint, ...change } as FormState, model)).toEqual(errors);
  });

  it('look at SDXL fields on SDXL', () => {
    const wrong: FormState = { ...form, originalSize: '12', cropTopLeft: '0', denoisingEnd: '1' };
    expect(checkForm(wrong, xl)).toEqual({ originalSize: { key: 'size' }, cropTopLeft: { key: 'corner' }, denoisingEnd: { key: 'share' } });
    const shares: FormState = { ...inpaint, denoisingStart: '0.8', denoisingEnd: '0.5', inpaintStrength: '0' };
    expect(checkForm(shares, xl)).toEqual({ denoisingEnd: { key: 'afterStart', start: '0.8' } });
  });

  it('ask for a model that can do the task', () => {
    expect(checkForm(inpaint, { ...model, tasks: ['text-to-image'] })).toEqual({ modelId: { key: 'taskUnsupported' } });
  });
});

describe('lists and pairs', () => {
  it('are read as they are copied from elsewhere', () => {
    expect(readNumberList('[999, 850,736]')).toEqual([999, 850, 736]);
    expect(readNumberList('14.6 2\n0')).toEqual([14.6, 2, 0]);
    expect(readNumberList('1, two')).toBeNull();
    expect(readPair('1024×768')).toEqual({ first: 1024, second: 768 });
    expect(readPair(' -8 , 0 ')).toEqual({ first: -8, second: 0 });
    expect(readPair('1024')).toBeNull();
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
