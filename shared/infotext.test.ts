import { describe, expect, it } from 'vitest';
import { parseGenerationRequest, type GenerationRequest, type GenerationRequestInput } from './generation.ts';
import { formatInfotext, imagePrompt, imageSeed, seedPlus } from './infotext.ts';

const basic: GenerationRequestInput = {
  task: 'text-to-image',
  modelId: 'starter',
  prompt: 'a red house, under a night sky',
  negativePrompt: 'snow',
  width: 128,
  height: 192,
  steps: 20,
  guidanceScale: 4.5,
  guidanceEnd: { kind: 'ratio', ratio: 0.4 },
  scheduler: 'dpmpp_2m',
  sigmaSchedule: 'karras',
  seed: '18446744073709551615',
};
function requestWith(change: Partial<GenerationRequestInput>): GenerationRequest {
  return parseGenerationRequest({ ...basic, ...change });
}
const facts = {
  request: requestWith({}),
  batchIndex: 0,
  modelName: 'Stopbath Starter',
  modelHash: '2c4354319efb8eb6',
  stepsDone: 20,
  version: '0.1.0',
};

/** A1111's own reader (modules/infotext_utils.py, re_param): what it makes of our last line. */
function readAs1111(text: string): Record<string, string> {
  const last = text.split('\n').at(-1) ?? '';
  const found = [...last.matchAll(/\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/g)];
  return Object.fromEntries(
    found.map(([, key = '', value = '']) => [key, value.startsWith('"') ? String(JSON.parse(value)) : value]),
  );
}

function read(change: Partial<GenerationRequestInput>, more: Partial<typeof facts> = {}): Record<string, string> {
  return readAs1111(formatInfotext({ ...facts, ...more, request: requestWith(change) }));
}

const usualKeys = ['Steps', 'Sampler', 'Schedule type', 'CFG scale', 'Seed', 'Size', 'Model hash', 'Model', 'RNG', 'Guidance end', 'Version'];
/** What a request adds to the usual line. */
function added(change: Partial<GenerationRequestInput>, more: Partial<typeof facts> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(read(change, more)).filter(([key]) => !usualKeys.includes(key)));
}

const image = { id: 'ab'.repeat(32), width: 64, height: 64 };

describe('formatInfotext', () => {
  it('is what A1111 writes', () => {
    expect(formatInfotext(facts)).toBe(
      [
        'a red house, under a night sky',
        'Negative prompt: snow',
        'Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4.5, Seed: 18446744073709551615, Size: 128x192, ' +
          'Model hash: 2c4354319e, Model: Stopbath Starter, RNG: CPU, Guidance end: ratio 0.4, Version: Stopbath 0.1.0',
      ].join('\n'),
    );
  });

  it('tells the steps that ran, and the plan when it was not reached', () => {
    const cut = readAs1111(formatInfotext({ ...facts, stepsDone: 7, numTimesteps: 20 }));
    expect(cut).toMatchObject({ Steps: '7', 'Planned steps': '20' });
    expect(readAs1111(formatInfotext({ ...facts, numTimesteps: 20 }))).not.toHaveProperty('Planned steps');
  });

  it('tells the steps that were asked for where a whole run makes more or fewer', () => {
    const half = { task: 'image-to-image', image, strength: 0.5 } as const;
    expect(read(half, { stepsDone: 10 })).toMatchObject({ Steps: '20', 'Denoising strength': '0.5' });
    expect(read({ scheduler: 'heun' }, { stepsDone: 39 })).toMatchObject({ Steps: '20' });
    expect(read({ timesteps: [999, 500, 1] }, { stepsDone: 3 })).toMatchObject({ Steps: '3', Timesteps: '999, 500, 1' });
    expect(read({ sigmas: [14.5, 0] }, { stepsDone: 1 })).toMatchObject({ Steps: '1', Sigmas: '14.5, 0' });
  });

  it('leaves out what is not there', () => {
    const bare = formatInfotext({
      ...facts,
      modelHash: null,
      request: requestWith({ negativePrompt: null, guidanceEnd: { kind: 'never' } }),
    });
    expect(bare).not.toMatch(/Negative prompt|Model hash|Guidance end/);
    expect(bare.split('\n')).toHaveLength(2);
    expect(added({})).toEqual({});
  });

  it('survives names that hold commas, colons, quotes, line breaks and other scripts', () => {
    const modelName = '模型, "v2": a\nb';
    const text = formatInfotext({ ...facts, modelName, request: requestWith({ prompt2: 'a: "b", c\nd' }) });
    expect(text).toContain('模型');
    expect(readAs1111(text)).toMatchObject({ Model: modelName, Version: 'Stopbath 0.1.0', Size: '128x192', 'Prompt 2': 'a: "b", c\nd' });
  });

  it.each<[Partial<GenerationRequestInput>, string, string, string | undefined]>([
    [{ scheduler: 'euler', sigmaSchedule: 'automatic' }, 'Euler', 'Automatic', undefined],
    // A1111's automatic schedule of these is curved; ours is the model's own.
    [{ scheduler: 'dpmpp_2m', sigmaSchedule: 'automatic' }, 'DPM++ 2M', 'Uniform', 'Automatic'],
    [{ scheduler: 'dpmpp_2m_sde', sigmaSchedule: 'automatic' }, 'DPM++ 2M SDE', 'Uniform', 'Automatic'],
    [{ scheduler: 'dpmpp_2m_sde', sigmaSchedule: 'exponential' }, 'DPM++ 2M SDE', 'Exponential', undefined],
    [{ scheduler: 'euler_a', sigmaSchedule: 'uniform', timestepSpacing: 'trailing' }, 'Euler a', 'SGM Uniform', undefined],
    [{ scheduler: 'euler', sigmaSchedule: 'uniform', timestepSpacing: 'linspace' }, 'Euler', 'Uniform', undefined],
    [{ scheduler: 'euler', sigmaSchedule: 'uniform', timestepSpacing: 'leading' }, 'Euler', 'Uniform', 'Leading'],
    [{ scheduler: 'ddim', sigmaSchedule: 'automatic', timestepSpacing: 'trailing' }, 'DDIM', 'Automatic', 'Trailing'],
    [{ scheduler: 'unipc', sigmaSchedule: 'ays' }, 'UniPC', 'Align Your Steps', undefined],
    [{ scheduler: 'pndm', sigmaSchedule: 'beta' }, 'PLMS', 'Beta', undefined],
  ])('names sampler, schedule and spacing of %o as A1111 does', (change, sampler, schedule, spacing) => {
    const found = read(change);
    expect([found['Sampler'], found['Schedule type'], found['Timestep spacing']]).toEqual([sampler, schedule, spacing]);
  });

  it.each<[string, Partial<GenerationRequestInput>, Record<string, string>]>([
    ['image-to-image', { task: 'image-to-image', image, strength: 0.4 }, { 'Denoising strength': '0.4' }],
    ['a refiner', { task: 'image-to-image', image, denoisingStart: 0.8 }, { 'Denoising start': '0.8' }],
    ['a base', { denoisingEnd: 0.8 }, { 'Denoising end': '0.8' }],
    [
      'inpainting the mask alone',
      { task: 'inpaint', image, mask: image, maskPadding: 32 },
      { 'Denoising strength': '0.8', 'Inpaint area': 'Only masked', 'Masked area padding': '32' },
    ],
    [
      'inpainting that touches the rest',
      { task: 'inpaint', image, mask: image, keepUnmasked: false },
      { 'Denoising strength': '0.8', 'Keep unmasked': 'off' },
    ],
    ['clip skip, counted from 1', { clipSkip: 1 }, { 'Clip skip': '2' }],
    ['brackets as text', { promptSyntax: 'plain' }, { Emphasis: 'None', 'Prompt syntax': 'plain' }],
    ['emphasis as in ComfyUI', { promptSyntax: 'comfy' }, { 'Prompt syntax': 'comfy' }],
    ['eta of DDIM', { scheduler: 'ddim', sigmaSchedule: 'automatic', eta: 0.5 }, { 'Eta DDIM': '0.5' }],
    ['eta that the sampler does not use', { eta: 0.5 }, {}],
    ['two prompts', { prompt2: 'x', negativePrompt2: 'y' }, { 'Prompt 2': 'x', 'Negative prompt 2': 'y' }],
    [
      'guidance',
      { guidanceCurve: { kind: 'cosine', to: 1 }, guidanceInterval: { sigmaLow: 0.5, sigmaHigh: 5 }, guidanceRescale: 0.7 },
      { 'Guidance curve': 'cosine to 1', 'Guidance interval': 'sigma 0.5 to 5', 'Guidance rescale': '0.7' },
    ],
    ['guidance by the step', { guidanceCurve: { kind: 'list', scales: [7, 3.5] } }, { 'Guidance curve': 'list 7 3.5' }],
    [
      'size conditioning',
      { microConditioning: { originalSize: { width: 1024, height: 768 }, cropTopLeft: { top: 8, left: -4 }, aestheticScore: 7 } },
      { 'Original size': '1024x768', Crop: 'top 8 left -4', 'Aesthetic score': '7' },
    ],
    ['a batch with seeds of its own', { imagesPerPrompt: 4 }, {}],
  ])('tells %s', (_, change, entries) => {
    expect(added(change)).toEqual(entries);
  });

  it('names whose noise it is', () => {
    expect(read({ noise: { kind: 'a1111-nv' } })).toMatchObject({ RNG: 'NV' });
    expect(read({ noise: { kind: 'torch-cuda', sms: 84, threadsPerSm: 1536 } })).toMatchObject({ RNG: 'GPU', 'CUDA threads': '84x1536' });
  });

  it('gives a picture of a batch its own seed and prompt', () => {
    const batch = { morePrompts: ['a blue house'], imagesPerPrompt: 2, seed: '40' };
    expect(read(batch, { batchIndex: 3 })).toMatchObject({ Seed: '43' });
    expect(formatInfotext({ ...facts, batchIndex: 2, request: requestWith(batch) })).toMatch(/^a blue house\n/);
    const shared = read({ ...batch, batchSeeds: 'shared' }, { batchIndex: 3 });
    expect(shared).toMatchObject({ Seed: '40', 'Batch size': '4', 'Batch pos': '3' });
  });
});

it('counts seeds on past 2^53 and around the last one', () => {
  expect(seedPlus('9007199254740993', 1)).toBe('9007199254740994');
  expect(seedPlus('18446744073709551615', 2)).toBe('1');
  expect(imageSeed({ seed: '5', batchSeeds: 'per-image' }, 2)).toBe('7');
  expect(imageSeed({ seed: '5', batchSeeds: 'shared' }, 2)).toBe('5');
  expect([0, 1, 2, 3].map((index) => imagePrompt({ prompt: 'a', morePrompts: ['b'], imagesPerPrompt: 2 }, index))).toEqual(['a', 'a', 'b', 'b']);
});

it('tells what was done to the run, and what was drawn by hand, in words of its own that A1111 reads past', () => {
  const steering = [{ afterStep: 4, steering: { guidanceScale: 2, prompt: 'a dog, "barking"' } }];
  const entries = read({
    steering,
    reuse: { kind: 'steps', threshold: 0.05, most: 2 },
    guidanceEnd: { kind: 'evidence', cosine: 0.98 },
    guidanceCurve: { kind: 'points', points: [{ at: 0, scale: 7 }, { at: 1, scale: 2.5 }], smooth: true },
  });
  expect(entries).toMatchObject({ Reuse: 'steps below 0.05 at most 2', 'Guidance end': 'evidence 0.98', 'Guidance curve': 'smooth 0=7 1=2.5' });
  expect(JSON.parse(entries['Steering'] ?? '')).toEqual([{ after: 5, guidanceScale: 2, prompt: 'a dog, "barking"' }]);
  expect(entries['Seed']).toBe(basic.seed);
  expect(read({ reuse: { kind: 'unconditional', every: 3 } })['Reuse']).toBe('unconditional every 3');
  expect(read({ reuse: { kind: 'features', every: 4 } })['Reuse']).toBe('features every 4');
  expect(read({ callbacks: [{ name: 'fade, slowly', source: '' }, { name: 'cut', source: '' }] })['Callbacks']).toBe('fade, slowly, cut');
  expect(read({})).not.toHaveProperty('Steering');
});
