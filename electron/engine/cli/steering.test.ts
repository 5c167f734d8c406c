import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunTrace } from '../../../shared/job.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { type CommandLine, readCommandLine } from './args.ts';
import { parseOptions } from './options.ts';
import { runCommandLine } from './run.ts';
import { readSteering } from './steering.ts';

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-cli-'));
  model = await writeTinyModel();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(...args: readonly string[]): Promise<CommandLine> {
  const given = parseOptions(['--prompt', 'p', '--out', 'o.png', '--steps', '20', ...args]);
  const defaults = { width: 512, height: 512, steps: 25, guidanceScale: 7.5, scheduler: 'euler', sizeMultiple: 64 } as const;
  return readCommandLine(given, { modelFolder: '/m', defaults, pictures: null, randomSeed: '5', steering: await readSteering(given) });
}

describe('steering on the command line', () => {
  it.each<[string, object]>([
    ['3:guidanceScale=2.5', { guidanceScale: 2.5 }],
    ['3:guidanceRescale=.7', { guidanceRescale: 0.7 }],
    ['3:guidanceEnd=never', { guidanceEnd: { kind: 'never' } }],
    ['3:guidanceEnd=ratio:0.4', { guidanceEnd: { kind: 'ratio', ratio: 0.4 } }],
    ['3:guidanceEnd=guided-steps:9', { guidanceEnd: { kind: 'guided-steps', steps: 9 } }],
    ['3:guidanceEnd=evidence:.99', { guidanceEnd: { kind: 'evidence', cosine: 0.99 } }],
    ['3:guidanceCurve=linear:2', { guidanceCurve: { kind: 'linear', to: 2 } }],
    ['3:guidanceInterval=0.3:5', { guidanceInterval: { sigmaLow: 0.3, sigmaHigh: 5 } }],
    ['3:guidanceInterval=none', { guidanceInterval: null }],
    ['3:prompt=a = b: c', { prompt: 'a = b: c' }],
    ['3:negativePrompt=', { negativePrompt: '' }],
    ['3:noiseSeed=18446744073709551615', { noiseSeed: '18446744073709551615' }],
    ['3:tail=4', { tail: { steps: 4 } }],
    ['3:tail=4:euler_a', { tail: { steps: 4, scheduler: 'euler_a' } }],
    ['3:tail=4:DPM++ 2M Karras', { tail: { steps: 4, scheduler: 'dpmpp_2m', sigmaSchedule: 'karras' } }],
    ['3:tail=4:ddim:uniform:trailing', { tail: { steps: 4, scheduler: 'ddim', sigmaSchedule: 'uniform', timestepSpacing: 'trailing' } }],
    ['3:reuse=steps:0.1:2', { reuse: { kind: 'steps', threshold: 0.1, most: 2 } }],
  ])('%s', async (text, steering) => {
    expect((await read('--steer', text)).request.steering).toEqual([{ afterStep: 3, steering }]);
  });

  it('comes from a file, and beside it', async () => {
    const file = join(folder, 'log.json');
    await writeFile(file, JSON.stringify([{ afterStep: 4, steering: { prompt: 'q' } }]));
    const { request } = await read('--steering', file, '--steer', '2:guidanceScale=1', '--steer', '6:tail=2');
    expect(request.steering).toEqual([
      { afterStep: 4, steering: { prompt: 'q' } },
      { afterStep: 2, steering: { guidanceScale: 1 } },
      { afterStep: 6, steering: { tail: { steps: 2 } } },
    ]);
    expect((await read('--steer', '9:tail=30', '--stop-after', '40')).stopAfter).toBe(40);
  });

  it('the options for a whole run', async () => {
    expect((await read('--cfg-evidence', '.995')).request.guidanceEnd).toEqual({ kind: 'evidence', cosine: 0.995 });
    expect((await read('--reuse', 'unconditional:2')).request.reuse).toEqual({ kind: 'unconditional', every: 2 });
    expect((await read('--reuse', 'features:3')).request.reuse).toEqual({ kind: 'features', every: 3 });
    expect((await read('--reuse', 'steps:0.1')).request.reuse).toEqual({ kind: 'steps', threshold: 0.1, most: 1 });
    expect((await read()).request).toMatchObject({ reuse: { kind: 'none' }, steering: [] });
    const points = [{ at: 0, scale: 7 }, { at: 0.5, scale: 3 }];
    expect((await read('--guidance-curve', 'points:0=7,0.5=3')).request.guidanceCurve).toEqual({ kind: 'points', points, smooth: false });
    expect((await read('--guidance-curve', 'smooth-points:0=7,.5=3')).request.guidanceCurve).toEqual({ kind: 'points', points, smooth: true });
  });

  it.each<[string[], RegExp]>([
    [['--steer', 'guidanceScale=3'], /^--steer: .*5:guidanceScale=3/],
    [['--steer', '3:steps=9'], /^--steer: "steps" cannot be steered/],
    [['--steer', '3:guidanceScale=many'], /^--steer: "many" is no number/],
    [['--steer', '3:guidanceScale=99'], /^--steer: /],
    [['--steer', '3:guidanceEnd=0.4'], /^--steer: .*evidence/],
    [['--steer', '3:tail=4:quickest'], /^--steer: "quickest"/],
    [['--steer', '3:tail=4:euler:steep'], /^--steer: "steep"/],
    [['--steer', '3:noiseSeed=-1'], /^--steer: /],
    [['--steering', '/nowhere/log.json'], /^--steering: .*cannot be read/],
    [['--reuse', 'often'], /^--reuse: "often" is none of/],
    [['--reuse', 'unconditional:1'], /^--reuse: /],
    [['--cfg-evidence', '2'], /^--cfg-evidence: /],
    [['--cfg-evidence', '.9', '--cfg-cutoff', '.4'], /exclude each other/],
    [['--guidance-curve', 'points:0.5=3,0.2=4'], /^--guidance-curve: .*left to right/],
    [['--guidance-curve', 'points:0.5'], /^--guidance-curve: "0.5" is no point/],
  ])('%o is refused by its option', async (args, message) => {
    await expect(read(...args)).rejects.toThrow(message);
  });

  it('changes the run', async () => {
    const trace = join(folder, 'trace.json');
    const said: string[] = [];
    const sink = { write: (text: string) => said.push(text) > 0 };
    const args = ['--prompt', 'a', '--out', join(folder, 'a.png'), '--trace', trace, '--model', model, '--provider', 'cpu', '--seed', '1', '--width', '64', '--height', '64', '--steps', '10', '--guidance', '5'];
    const code = await runCommandLine([...args, '--steer', '1:guidanceScale=2', '--steer', '3:tail=2'], { stdout: sink, stderr: sink } as unknown as Parameters<typeof runCommandLine>[1]);
    expect(code, said.join('')).toBe(0);
    const { steps } = JSON.parse(await readFile(trace, 'utf8')) as RunTrace;
    expect(steps.map(({ guidanceScale, numTimesteps }) => [guidanceScale, numTimesteps])).toEqual([[5, 10], [5, 10], [2, 10], [2, 10], [2, 6], [2, 6]]);
  });
});
