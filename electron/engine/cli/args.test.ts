import { describe, expect, it } from 'vitest';
import type { GreyImage, RgbImage } from '../../../shared/engineProtocol.ts';
import { type CommandLine, readCommandLine } from './args.ts';
import type { ModelDefaults } from './defaults.ts';
import { optionOf } from './fieldOptions.ts';
import { pictureFiles } from './files.ts';
import { optionNames, parseOptions, usage } from './options.ts';
import type { Pictures } from './pictures.ts';

const defaults: ModelDefaults = { width: 512, height: 512, steps: 25, guidanceScale: 7.5, scheduler: 'euler', sizeMultiple: 64 };

function picturesOf(width: number, height: number, withMask: boolean): Pictures {
  const image: RgbImage = { width, height, rgb: new Uint8Array(0) };
  const mask: GreyImage | null = withMask ? { width, height, grey: new Uint8Array(0) } : null;
  const named = { id: 'a'.repeat(64), width, height };
  return { inputs: { image, mask }, image: named, mask: withMask ? named : null, notes: ['--init: noted'] };
}

function read(args: readonly string[], pictures: Pictures | null = null): CommandLine {
  const files = [...(pictures === null ? [] : ['--init', 'i.png']), ...((pictures?.mask ?? null) === null ? [] : ['--mask', 'm.png'])];
  const given = parseOptions(['--prompt', 'p', '--out', 'o.png', ...files, ...args]);
  return readCommandLine(given, { modelFolder: '/m', defaults, pictures, randomSeed: '5' });
}
const requestOf = (...args: readonly string[]): CommandLine['request'] => read(args).request;

describe('the request of a command line', () => {
  it('has the model and the request defaults where nothing is said', () => {
    expect(requestOf()).toMatchObject({
      task: 'text-to-image', width: 512, height: 512, steps: 25, guidanceScale: 7.5, scheduler: 'euler', seed: '5',
      noise: { kind: 'torch-cpu' }, imagesPerPrompt: 1, batchSeeds: 'per-image', promptSyntax: 'a1111', clipSkip: 0,
      sigmaSchedule: 'automatic', timestepSpacing: 'automatic', eta: 0, timesteps: null, sigmas: null, image: null, mask: null,
      guidanceCurve: { kind: 'constant' }, guidanceInterval: null, guidanceRescale: 0, keepUnmasked: true, maskPadding: null,
      microConditioning: { originalSize: null, cropTopLeft: { top: 0, left: 0 }, negativeCropTopLeft: null, aestheticScore: 6, negativeAestheticScore: 2.5 },
    });
  });

  it.each<[readonly string[], object]>([
    [['--scheduler', 'DPM++ 2M SDE Karras'], { scheduler: 'dpmpp_2m_sde', sigmaSchedule: 'karras', timestepSpacing: 'automatic' }],
    [['--scheduler', 'Euler a SGM Uniform'], { scheduler: 'euler_a', sigmaSchedule: 'uniform', timestepSpacing: 'trailing' }],
    [['--scheduler', 'euler_ancestral', '--sigma-schedule', 'simple'], { scheduler: 'euler_a', sigmaSchedule: 'uniform', timestepSpacing: 'trailing' }],
    [['--scheduler', 'DPM++ 2M Karras', '--sigma-schedule', 'karras', '--spacing', 'trailing'], { sigmaSchedule: 'karras', timestepSpacing: 'trailing' }],
    [['--sigma-schedule', 'uniform'], { sigmaSchedule: 'uniform', timestepSpacing: 'automatic' }],
    [['--sigma-schedule', 'Align Your Steps'], { sigmaSchedule: 'ays', timestepSpacing: 'automatic' }],
    [['--spacing', 'leading'], { sigmaSchedule: 'automatic', timestepSpacing: 'leading' }],
    [['--timesteps', '999, 500,1.5'], { timesteps: [999, 500, 1.5] }],
    [['--sigmas', '14.6,1e-2,0'], { sigmas: [14.6, 0.01, 0] }],
    [['--denoising-end', '.8'], { denoisingEnd: 0.8 }],
    [['--guidance-curve', 'linear:1'], { guidanceCurve: { kind: 'linear', to: 1 } }],
    [['--guidance-curve', 'cosine:12.5'], { guidanceCurve: { kind: 'cosine', to: 12.5 } }],
    [['--guidance-curve', 'list:7,5,3'], { guidanceCurve: { kind: 'list', scales: [7, 5, 3] } }],
    [['--guidance-interval', '0.28:5.42'], { guidanceInterval: { sigmaLow: 0.28, sigmaHigh: 5.42 } }],
    [['--guidance-rescale', '0.7'], { guidanceRescale: 0.7 }],
    [['--cfg-cutoff', '.4'], { guidanceEnd: { kind: 'ratio', ratio: 0.4 } }],
    [['--guided-steps', '0'], { guidanceEnd: { kind: 'guided-steps', steps: 0 } }],
    [['--rng', 'a1111-nv'], { noise: { kind: 'a1111-nv' } }],
    [['--rng', 'torch-cuda'], { noise: { kind: 'torch-cuda', sms: 82, threadsPerSm: 1536 } }],
    [['--rng', 'torch-cuda:28:2048'], { noise: { kind: 'torch-cuda', sms: 28, threadsPerSm: 2048 } }],
    [['--images', '3', '--batch-seeds', 'shared'], { imagesPerPrompt: 3, batchSeeds: 'shared' }],
    [['--more-prompt', 'b', '--more-prompt', ''], { morePrompts: ['b', ''] }],
    [['--prompt2', 'q', '--negative2', '', '--negative', ''], { prompt2: 'q', negativePrompt2: '', negativePrompt: '' }],
    [['--syntax', 'comfy', '--clip-skip', '1'], { promptSyntax: 'comfy', clipSkip: 1 }],
    [['--eta', '0.5', '--scheduler', 'DDIM'], { eta: 0.5, scheduler: 'ddim' }],
    [['--original-size', '1024x768', '--crop=-8,16', '--aesthetic-score', '7'], { microConditioning: { originalSize: { width: 1024, height: 768 }, cropTopLeft: { top: -8, left: 16 }, aestheticScore: 7 } }],
    [['--negative-target-size', '512X256', '--negative-crop', '1,2', '--negative-aesthetic-score', '1.5'], { microConditioning: { negativeTargetSize: { width: 512, height: 256 }, negativeCropTopLeft: { top: 1, left: 2 }, negativeAestheticScore: 1.5 } }],
  ])('%j', (args, fields) => {
    expect(requestOf(...args)).toMatchObject(fields);
  });

  it('draws a picture at its own size, floored to what the model draws, and says so', () => {
    const exact = read([], picturesOf(640, 512, false));
    expect(exact.request).toMatchObject({ task: 'image-to-image', width: 640, height: 512, strength: 0.8 });
    expect(exact.notes).toEqual(['--init: noted']);
    const floored = read(['--strength', '0.3'], picturesOf(700, 512, false));
    expect(floored.request).toMatchObject({ width: 640, height: 512, strength: 0.3 });
    expect(floored.notes[1]).toMatch(/700 x 512 pixels are drawn as 640 x 512.*multiples of 64/);
    expect(read(['--width', '256', '--height', '256'], picturesOf(700, 500, false)).notes).toHaveLength(1);
    expect(read(['--width', '256'], picturesOf(700, 512, false))).toMatchObject({ request: { width: 256, height: 512 }, notes: ['--init: noted'] });
  });

  it('inpaints with a mask, and its surroundings only at the size of the model', () => {
    const whole = read(['--no-keep-unmasked'], picturesOf(640, 512, true));
    expect(whole.request).toMatchObject({ task: 'inpaint', width: 640, height: 512, keepUnmasked: false, maskPadding: null });
    const around = read(['--mask-padding', '32'], picturesOf(6000, 4000, true));
    expect(around.request).toMatchObject({ task: 'inpaint', width: 512, height: 512, maskPadding: 32, keepUnmasked: true });
  });

  it('refuses a size it would have to choose and cannot', () => {
    expect(() => read([], picturesOf(4000, 512, false))).toThrow(/^--init: its width of 4000 .* --width and --height/);
    expect(() => read([], picturesOf(512, 63, false))).toThrow(/^--init: its height of 63/);
    expect(read(['--width', '1024', '--height', '512'], picturesOf(4000, 63, false)).request.width).toBe(1024);
  });

  it('lets a stop come as late as the sampler has model calls', () => {
    expect(read(['--stop-after', '19', '--steps', '10', '--scheduler', 'heun']).stopAfter).toBe(19);
    expect(read(['--stop-after', '19', '--steps', '10', '--scheduler', 'PLMS']).stopAfter).toBe(19);
    expect(() => read(['--stop-after', '20', '--steps', '10', '--scheduler', 'PLMS'])).toThrow(/1 to 19/);
    expect(() => read(['--stop-after', '11', '--steps', '10'])).toThrow(/1 to 10/);
    expect(() => read(['--stop-after', '4', '--timesteps', '9,8,7'])).toThrow(/1 to 3/);
  });
});

describe('the files', () => {
  it('are numbered where there are several', () => {
    expect(read([]).outs).toEqual(['o.png']);
    expect(read(['--images', '2', '--more-prompt', 'x']).outs).toEqual(['o-1.png', 'o-2.png', 'o-3.png', 'o-4.png']);
    expect(pictureFiles('/a.b/c.d.PNG', 2)).toEqual(['/a.b/c.d-1.PNG', '/a.b/c.d-2.PNG']);
  });

  it('do not overwrite one another', () => {
    expect(() => read(['--images', '2', '--trace', './o-2.png'])).toThrow(/--trace: the same/);
    expect(read(['--images', '2', '--trace', 'o.png']).trace).toBe('o.png');
  });
});

describe('the option behind a field', () => {
  it.each([
    ['negativePrompt', 'negative'], ['negativePrompt2', 'negative2'], ['prompt2', 'prompt2'], ['guidanceEnd.steps', 'guided-steps'],
    ['guidanceEnd.ratio', 'cfg-cutoff'], ['guidanceCurve.scales.3', 'guidance-curve'], ['noise.sms', 'rng'], ['timesteps.0', 'timesteps'],
    ['image', 'init'], ['image.width', 'init'], ['morePrompts.1', 'more-prompt'], ['microConditioning.cropTopLeft.top', 'crop'],
    ['microConditioning.negativeAestheticScore', 'negative-aesthetic-score'], ['callbackOnStepEndTensorInputs', null],
  ])('%s: %s', (field, option) => {
    expect(optionOf(field)).toBe(option);
  });
});

it('tells of every option, within 120 columns', () => {
  expect(optionNames.length).toBeGreaterThan(40);
  for (const name of optionNames) expect(usage).toMatch(new RegExp(`--${name}\\b`));
  expect(Math.max(...usage.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
});
