import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import { runCommandLine } from './run.ts';
import { animationControl, boxMask, cmykJpeg, plainPicture, pngFile, progressiveJpeg } from './testPictures.ts';

/** Whatever is handed in, it is refused by the option's name, and nothing is written. */

const models = { sd: '', sdxl: '', inpaint: '' };
type ModelName = keyof typeof models;
let files: string;
let folder: string;

const picture = plainPicture(64, 64);
/** Files of the cases by name. */
const fixtures: Readonly<Record<string, Buffer | string>> = {
  'i.png': picture,
  'm.png': boxMask(64, 64),
  'odd.png': plainPicture(101, 70),
  'wide-mask.png': boxMask(72, 64),
  'empty-mask.png': boxMask(64, 64, 0),
  'faint-mask.png': boxMask(64, 64, 127),
  'deep.png': pngFile({ width: 64, height: 64, colour: 2, depth: 16, sample: (x, y) => (x + y) % 256 }),
  'alpha.png': pngFile({ width: 64, height: 64, colour: 6, sample: (x, _, channel) => (channel === 3 ? x * 4 : 90) }),
  'animated.png': pngFile({ width: 64, height: 64, colour: 2, extra: [animationControl()], sample: (x) => x }),
  'cmyk.jpg': cmykJpeg,
  'progressive.jpg': progressiveJpeg,
  'empty.png': '',
  'text.png': 'not a picture',
  'anim.gif': 'GIF89a\u0001\u0000\u0001\u0000\u0000\u0000\u0000',
  'cut.png': picture.subarray(0, picture.length - 40),
  'cut.jpg': progressiveJpeg.subarray(0, 200),
  'flipped.png': Buffer.from(picture.map((byte, index) => (index === 60 ? byte ^ 0xff : byte))),
  'huge.png': pngFile({ width: 1, height: 1, colour: 2, claims: [60_000, 60_000], sample: () => 0 }),
  'bomb.png': pngFile({ width: 1, height: 1, colour: 2, claims: [8000, 8000], sample: () => 0 }),
  'small.png': plainPicture(8, 8),
  'large.png': pngFile({ width: 2100, height: 64, colour: 0, sample: () => 9 }),
};

beforeAll(async () => {
  models.sd = await tinyModelFolder('sd');
  models.sdxl = await tinyModelFolder('sdxl');
  models.inpaint = await tinyModelFolder('sd-inpaint');
  files = await mkdtemp(join(tmpdir(), 'stopbath-files-'));
  for (const [name, content] of Object.entries(fixtures)) await writeFile(join(files, name), content);
});
afterAll(async () => {
  for (const made of [...Object.values(models), files]) await rm(made, { recursive: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-bad-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `@name` stands for a file of the fixtures, `@` for their folder. */
async function generate(args: readonly string[], model: ModelName): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({ isTTY: false, write: (text: string | Uint8Array) => ((said[name] += String(text)), true) });
  const own = ['--model', models[model], '--provider', 'cpu', '--prompt', 'a', '--out', join(folder, 'o.png')];
  const argv = [...own, ...args.map((arg) => (arg.startsWith('@') ? join(files, arg.slice(1)) : arg))];
  const code = await runCommandLine(argv, { stdout: stream('stdout'), stderr: stream('stderr') });
  return { code, ...said };
}

/** Arguments, what stderr must say, and the exit code where it is not 2 or the model where it is not SD. */
type Case = readonly [args: readonly string[], says: RegExp, more?: { readonly model?: ModelName; readonly code?: number }];
const small = ['--width', '64', '--height', '64'];
const init = ['--init', '@i.png'];
const inpaint = [...init, '--mask', '@m.png'];
const xl = { model: 'sdxl' } as const;
const onInpaint = { model: 'inpaint' } as const;

const cases: readonly Case[] = [
  // Numbers
  [['--steps', 'NaN'], /^--steps: "NaN" is no number/],
  [['--steps', '501'], /^--steps: .*500/],
  [['--steps', '1e999'], /^--steps: .* is no number/],
  [['--guidance', 'Infinity'], /^--guidance: "Infinity" is no number/],
  [['--guidance', ''], /^--guidance: "" is no number/],
  [['--guidance', '0x10'], /^--guidance/],
  [['--guidance', '-1'], /--guidance/],
  [['--eta', '1.01', '--scheduler', 'ddim'], /^--eta: /],
  [['--eta', '0.5', '--scheduler', 'euler'], /^--eta: is for ddim and tcd, not euler/],
  [['--eta', 'NaN'], /^--eta: /],
  [['--guidance-rescale', '1.5'], /^--guidance-rescale: /],
  [['--clip-skip', '13'], /^--clip-skip: /],
  [['--clip-skip', '0.5'], /^--clip-skip: .*whole/],
  // Sizes
  [['--width', '100'], /^--width: .*8/],
  [['--height', '60'], /^--height: /],
  [['--width', '4096'], /^--width: /],
  [['--width', '72', '--height', '64'], /^--width: .* multiples of 16\. Set the width to (64|80)\./],
  [['--height', '1000000000000'], /^--height: /],
  // Seeds, noise, batches
  [['--seed', '1.5'], /^--seed: /],
  [['--seed', '-1'], /--seed/],
  [['--seed', '0x10'], /^--seed: /],
  [['--seed', '18446744073709551616'], /^--seed: /],
  [['--seed', ''], /^--seed: /],
  [['--rng', 'philox'], /^--rng: "philox"/],
  [['--rng', 'torch-cuda:0:1536'], /^--rng: /],
  [['--rng', 'torch-cuda:28'], /^--rng: /],
  [['--rng', 'torch-cuda:28:100'], /^--rng: /],
  [['--images', '17'], /^--images: /],
  [['--images', '0'], /^--images: /],
  [['--images', '6', '--more-prompt', 'b', '--more-prompt', 'c'], /^--images: at most 16/],
  [['--batch-seeds', 'random'], /^--batch-seeds: "random"/],
  // Prompts
  [['--prompt', 'a '.repeat(20_000)], /^--prompt: /],
  [['--more-prompt', 'b'.repeat(40_000)], /^--more-prompt: /],
  [Array.from({ length: 16 }, () => ['--more-prompt', 'b']).flat(), /^--more-prompt: /],
  [['--syntax', 'webui'], /^--syntax: "webui"/],
  [['--prompt2', 'b', ...small], /^--prompt2: .*SDXL/],
  [['--clip-skip', '12', ...small], /^--clip-skip: /],
  // Samplers and schedules
  [['--scheduler', 'Restart'], /^--scheduler: "Restart"/],
  [['--scheduler', 'Euler a Karras'], /^--scheduler: "Euler a" cannot follow "Karras"/],
  [['--dump-latents', '/proc/latents'], /^--dump-latents: the folder \/proc\/latents cannot be made/],
  [['--scheduler', 'flow_euler', ...small], /^--scheduler: .*rectified flow/],
  [['--scheduler', 'DPM++ 2S a'], /^--scheduler: "DPM\+\+ 2S a"/],
  [['--scheduler', 'DPM++ 2M Karras', '--sigma-schedule', 'exponential'], /^--sigma-schedule: /],
  [['--scheduler', 'DPM++ 2M Karras', '--sigma-schedule', 'automatic'], /^--sigma-schedule: /],
  [['--scheduler', 'euler_a sgm_uniform', '--spacing', 'leading'], /^--spacing: /],
  [['--sigma-schedule', 'kl optimal'], /^--sigma-schedule: "kl optimal"/],
  [['--spacing', 'cosine'], /^--spacing: /],
  [['--timesteps', '900,500', '--sigmas', '10,1'], /^--sigmas: .*exclude/],
  [['--timesteps', '900,500', '--steps', '2'], /^--timesteps: .*exclude/],
  [['--timesteps', '900,x'], /^--timesteps: "x"/],
  [['--timesteps', ''], /^--timesteps: /],
  [['--timesteps', '1001'], /^--timesteps: /],
  [['--timesteps', '100,500,900', '--scheduler', 'euler', ...small], /^--timesteps: /],
  [['--timesteps', '900,500', '--scheduler', 'unipc', ...small], /^--timesteps: /],
  [['--sigmas', '10'], /^--sigmas: /],
  [['--sigmas', '1,10', '--scheduler', 'euler', ...small], /^--sigmas: /],
  [['--sigmas', '10,1', '--scheduler', 'ddim', ...small], /^--sigmas: /],
  // Guidance
  [['--cfg-cutoff', '1.5'], /^--cfg-cutoff: /],
  [['--cfg-cutoff', '.5', '--guided-steps', '3'], /^--guided-steps: .*exclude/],
  [['--guidance-curve', 'quadratic:2'], /^--guidance-curve: /],
  [['--guidance-curve', 'linear'], /^--guidance-curve: /],
  [['--guidance-curve', 'linear:1,2'], /^--guidance-curve: /],
  [['--guidance-curve', 'list:'], /^--guidance-curve: /],
  [['--guidance-curve', 'cosine:31'], /^--guidance-curve: /],
  [['--guidance-interval', '5:1'], /^--guidance-interval: .*lower sigma comes first/],
  [['--guidance-interval', '5'], /^--guidance-interval: /],
  [['--guidance-interval=-1:1'], /^--guidance-interval: /],
  // Size conditioning
  [['--original-size', '1024'], /^--original-size: /],
  [['--original-size', '0x1024'], /^--original-size: /],
  [['--crop', '1x2'], /^--crop: /],
  [['--aesthetic-score', '11'], /^--aesthetic-score: /],
  [['--crop', '1,2', ...small], /^--crop: is for SDXL/],
  [['--sigma-schedule', 'karras', '--scheduler', 'ddim', ...small], /^--sigma-schedule: /],
  // Strength and shares of the schedule
  [[...init, '--strength', '0'], /^--strength: /],
  [[...init, '--strength', '1.01'], /^--strength: /],
  [[...init, '--strength', 'NaN'], /^--strength: "NaN"/],
  [[...init, '--strength', 'Infinity'], /^--strength: "Infinity"/],
  [[...init, '--strength', '0.05', '--steps', '10'], /^--strength: .* none of 10 steps/],
  [['--strength', '0.5'], /^--strength: needs a picture/],
  [['--denoising-start', '0.5'], /^--denoising-start: needs a picture/],
  [[...init, '--denoising-start', '0.5', '--denoising-end', '0.4'], /^--denoising-end: .*after/],
  [[...init, '--denoising-start', '0.5', '--strength', '0.4'], /^--denoising-start: .*exclude/],
  [['--denoising-end', '0'], /^--denoising-end: /],
  [['--denoising-end', '0.5', ...small], /^--denoising-end: .*SDXL/],
  [[...init, '--denoising-start', '0.999', '--steps', '4'], /^--denoising-start: /, xl],
  // Pictures and masks
  [['--init', '/nowhere/i.png'], /^--init: there is no file/],
  [['--init', tmpdir()], /^--init: .* cannot be read/],
  [['--init', ''], /^--init: the name is empty/],
  [['--init', '@empty.png'], /^--init: The file is empty/],
  [['--init', '@text.png'], /^--init: The file is no picture/],
  [['--init', '@anim.gif'], /^--init: GIF files are not read/],
  [['--init', '@cmyk.jpg'], /^--init: JPEG files in CMYK are not read/],
  [['--init', '@cut.png'], /^--init: .*damaged/],
  [['--init', '@cut.jpg'], /^--init: /],
  [['--init', '@flipped.png'], /^--init: .*damaged/],
  [['--init', '@huge.png'], /^--init: .*too large: 60000 x 60000/],
  [['--init', '@bomb.png'], /^--init: /],
  [['--init', '@small.png'], /^--init: its width of 8 pixels/],
  [['--init', '@large.png'], /^--init: its width of 2100 pixels/],
  [['--mask', '@m.png'], /^--mask: needs a picture/],
  [[...init, '--mask', '@wide-mask.png'], /^--mask: .*64 x 64, not 72 x 64/],
  [[...init, '--mask', '@empty-mask.png'], /^--mask: Nothing is painted in the mask/],
  [[...init, '--mask', '@empty-mask.png', '--mask-padding', '8', ...small], /^--mask: Nothing is painted in the mask/],
  [[...init, '--mask', '@faint-mask.png'], /^--mask: Nothing is painted in the mask/],
  [[...init, '--mask', '@text.png'], /^--mask: The file is no picture/],
  [[...init, '--mask-padding', '8'], /^--mask-padding: needs a mask/],
  [[...inpaint, '--mask-padding', '2000'], /^--mask-padding: /],
  [[...inpaint, '--mask-padding', '1.5'], /^--mask-padding: /],
  [[...init, '--no-keep-unmasked'], /^--no-keep-unmasked: needs a mask/],
  // Files, and what is to happen
  [['--stop-after', '0'], /^--stop-after: /],
  [['--stop-after', '9', '--steps', '8'], /^--stop-after: /],
  [['--stop-after', '1', '--steps', '0'], /^--steps: /],
  [['--trace', ''], /^--trace: /],
  [['--dump-latents', ''], /^--dump-latents: /],
  [['--dump-latents', '@i.png', '--width', '64', '--height', '64'], /^--dump-latents: /],
  [['--trace', '/nowhere/t.json'], /^--trace: /],
  [['--out', '/nowhere/o.png'], /^--out: /],
  [['--out', '/tmp/o.jpg'], /^--out: /],
  [['--nonsense', '1'], /--nonsense/],
  [['--steps'], /--steps/],
  [['stray'], /stray/],
  // Models and devices
  [['--model', ''], /^--model: /],
  [['--provider', 'tpu'], /^--provider: /],
  [small, /inpaint only\. Choose another model/, onInpaint],
  [['--model', '/nowhere'], /no model folder/, { code: 3 }],
  [['--model', '@'], /model_index\.json/, { code: 3 }],
  [['--provider', 'dml'], /dml/, { code: 3 }],
];

describe('on the command line', () => {
  it.each(cases.map((one) => [one[0].map((arg) => arg.slice(0, 40)).join(' ').slice(0, 100), one] as const))('%s', async (_, [args, says, more]) => {
    const ended = await generate(args, more?.model ?? 'sd');
    expect(ended.stderr).toMatch(says);
    expect(ended.code).toBe(more?.code ?? 2);
    expect(ended.stdout).toBe('');
    // A sentence for a person, not what a parser or a stack says.
    expect(ended.stderr).not.toMatch(/node:internal|ZodError|undefined/);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['deep.png', /^--init: Its 16 bits a colour were reduced to 8\.\n$/],
    ['alpha.png', /^--init: Its transparent parts were laid over white\.\n$/],
    ['animated.png', /^--init: It is animated; only its first picture is used\.\n$/],
    ['odd.png', /^--init: 101 x 70 pixels are drawn as 96 x 64, sides that are multiples of 16\.\n$/],
    ['progressive.jpg', /^$/],
  ])('%s is drawn, and what was changed is said', async (name, says) => {
    const ended = await generate(['--init', `@${name}`, '--steps', '2'], 'sd');
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(says) as unknown });
    expect(await readdir(folder)).toEqual(['o.png']);
  });

  it('inpainting and batches write what they were asked for', async () => {
    const ended = await generate([...inpaint, '--steps', '2', '--images', '2', '--seed', '9', '--dump-latents', join(folder, 'd')], 'sd');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect((await readdir(folder)).sort()).toEqual(['d', 'o-1.png', 'o-2.png']);
    // Three quarters of two steps is one; both pictures of the batch are in its file.
    expect(await readdir(join(folder, 'd'))).toEqual(['step_000.npy']);
    expect(await readFile(join(folder, 'd', 'step_000.npy'), 'latin1')).toContain("'shape': (2, 4, 8, 8)");
    expect(ended.stdout).toMatch(/o-1\.png: .* seed 9,.*\n.*o-2\.png: .* seed 10,/);
  });

  it('a batch that is stopped leaves the clean estimate of every picture', async () => {
    const ended = await generate([...inpaint, '--mask-padding', '4', ...small, '--steps', '8', '--images', '2', '--stop-after', '2'], 'sd');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect((await readdir(folder)).sort()).toEqual(['o-1.png', 'o-2.png']);
    expect(ended.stdout).toMatch(/o-1\.png: 2 of 6 steps.*\n.*o-2\.png: 2 of 6 steps/);
  });
});
