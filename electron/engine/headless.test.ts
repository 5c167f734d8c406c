import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { plainUse } from '../../shared/engineProtocol.ts';
import { runTraceSchema } from '../../shared/job.ts';
import { encodePng, readPngTexts } from '../media/png.ts';
import { checkpointsOf, createRig, ofKind, tinyRequest } from './testing/engineRig.ts';
import { writeTinyModel } from './testing/tinyModel.ts';

const entry = fileURLToPath(new URL('headless.ts', import.meta.url));
let model: string;
let folder: string;
beforeAll(async () => {
  model = await writeTinyModel();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-cli-'));
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function generate(args: readonly string[], onStart: (interrupt: () => void) => void = () => undefined): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    onStart(() => child.kill('SIGINT'));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const base = (): string[] => ['--model', model, '--provider', 'cpu', '--prompt', 'a b', '--out', join(folder, 'o.png')];
const traceOf = async () => runTraceSchema.parse(JSON.parse(await readFile(join(folder, 't.json'), 'utf8')));
const pngSignature = '89504e470d0a1a0a';

describe('the command line', () => {
  it('writes picture, trace and latents', async () => {
    const args = [...base(), '--steps', '10', '--guidance', '5', '--seed', '7', '--cfg-cutoff', '0.4'];
    const ended = await generate([...args, '--trace', join(folder, 't.json'), '--dump-latents', join(folder, 'deep', 'd')]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const png = await readFile(join(folder, 'o.png'));
    expect(png.subarray(0, 8).toString('hex')).toBe(pngSignature);
    expect(png.includes('parameters')).toBe(true);
    const trace = await traceOf();
    expect(trace).toMatchObject({ status: 'finished', stepsDone: 10, numTimesteps: 10, unetEvaluationsTotal: 15, unetEvaluationsSaved: 5, provider: 'cpu', seed: '7' });
    const dumps = await readdir(join(folder, 'deep', 'd'));
    expect(dumps.sort()).toEqual(Array.from({ length: 10 }, (_, i) => `step_00${i}.npy`));
    const npy = await readFile(join(folder, 'deep', 'd', 'step_000.npy'));
    expect(npy.subarray(1, 6).toString()).toBe('NUMPY');
    expect(npy.length).toBe(128 + 4 * 8 * 8 * 4);
  });

  it('stops after the step asked for and writes the clean estimate', async () => {
    const args = [...base(), '--steps', '10', '--guidance', '5', '--seed', '7', '--scheduler', 'euler', '--stop-after', '4'];
    expect(await generate([...args, '--trace', join(folder, 't.json')])).toMatchObject({ code: 0 });
    const trace = await traceOf();
    expect(trace).toMatchObject({ status: 'stopped', stepsDone: 4, numTimesteps: 10 });
    const { total, ...parts } = trace.timingsMs;
    expect(parts.decode).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(parts.load + parts.textEncode + parts.denoise + parts.decode);
    const png = await readFile(join(folder, 'o.png'));
    const texts = readPngTexts(png);
    expect(texts[0]?.text).toMatch(/^a b\nSteps: 4, Sampler: Euler, .*Planned steps: 10, .*Seed: 7, Size: 64x64, Model hash: [0-9a-f]{10}, /);
    // The same run without the command line.
    const rig = createRig(model);
    const request = { ...tinyRequest, prompt: 'a b', seed: '7' };
    const latents = checkpointsOf(await rig.generate({ request }))[3]?.cleanEstimate;
    if (latents === undefined) throw new Error('no checkpoint');
    await rig.engine.handle({ kind: 'decode', jobId: 'job', latents, request, inputs: null, modelFolder: model, provider: 'cpu', ...plainUse });
    const image = ofKind(rig.messages, 'decoded')[0]?.images[0];
    if (image === undefined) throw new Error('no picture');
    expect(png.equals(await encodePng(image, texts))).toBe(true);
  });

  it('keeps what there is at Ctrl+C', async () => {
    const dump = join(folder, 'd');
    const args = [...base(), '--steps', '500', '--trace', join(folder, 't.json'), '--dump-latents', dump];
    const ended = await generate(args, (interrupt) => {
      const timer = setInterval(() => {
        void readdir(dump).then((files) => {
          if (files.length < 2) return;
          clearInterval(timer);
          interrupt();
        }, () => undefined);
      }, 5);
    });
    expect(ended.code).toBe(130);
    const trace = await traceOf();
    expect(trace.status).toBe('stopped');
    expect(trace.stepsDone).toBeLessThan(500);
    expect(trace.steps).toHaveLength(trace.stepsDone);
    expect((await readFile(join(folder, 'o.png'))).subarray(0, 8).toString('hex')).toBe(pngSignature);
  });

  // One of every way an argument is refused; all of them are in cli/badInput.test.ts.
  it.each([
    [['--steps', '0'], '--steps'],
    [['--width', '72'], '--width'],
    [['--out', '/nowhere/o.png'], '--out'],
    [['--init', '/nowhere/i.png'], '--init'],
    [['stray'], 'stray'],
  ] as const)('%j is a bad argument', async (args, named) => {
    const ended = await generate([...base(), ...args]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(named);
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses to write the trace over the picture', async () => {
    const ended = await generate([...base(), '--trace', join(folder, '.', 'o.png')]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--trace') as unknown });
  });

  it('keeps picture and trace when the latents cannot be written, and says so', async () => {
    const dump = join(folder, 'd');
    await mkdir(join(dump, 'step_000.npy'), { recursive: true });
    const ended = await generate([...base(), '--steps', '60', '--trace', join(folder, 't.json'), '--dump-latents', dump]);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('step_000.npy could not be written') as unknown });
    expect(ended.stderr).not.toContain('node:internal');
    expect(await traceOf()).toMatchObject({ status: 'finished', stepsDone: 60 });
    expect((await readFile(join(folder, 'o.png'))).subarray(0, 8).toString('hex')).toBe(pngSignature);
  });

  it('does its work though nobody reads what it says', async () => {
    const child = spawn(process.execPath, [entry, ...base(), '--steps', '2'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
    expect(await readdir(folder)).toEqual(['o.png']);
  });

  it('says how much of a long prompt the model does not take', async () => {
    const ended = await generate([...base(), '--steps', '1', '--prompt', 'a '.repeat(80), '--negative', 'b', '--syntax', 'plain']);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/^The prompt is too long .* 5 tokens are left out: "a a a a a"\. Shorten it.*\n$/);
  });

  it('takes a model however deep its folder lies', async () => {
    const deep = join(folder, 'd'.repeat(200), 'm');
    await cp(model, deep, { recursive: true });
    expect(await generate([...base(), '--model', deep, '--steps', '1'])).toMatchObject({ code: 0 });
  });

  it('needs a prompt and a file', async () => {
    expect(await generate(['--out', join(folder, 'o.png')])).toMatchObject({ code: 2, stderr: expect.stringContaining('--prompt') as unknown });
    expect(await generate(['--prompt', 'a'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--out') as unknown });
    expect((await generate(['--help'])).stdout).toContain('--dump-latents');
  });

  it('exits with 3 for a model that cannot be used, and writes nothing', async () => {
    const ended = await generate([...base(), '--model', folder]);
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('model_index.json') as unknown });
    expect(await readdir(folder)).toEqual([]);
    const dml = await generate([...base(), '--provider', 'dml']);
    expect(dml).toMatchObject({ code: 3, stderr: expect.stringContaining('dml') as unknown });
  });

  it('leaves a file alone that is already there until the new one is whole', async () => {
    await writeFile(join(folder, 'o.png'), 'old');
    await generate([...base(), '--model', '/nowhere']);
    expect(await readFile(join(folder, 'o.png'), 'utf8')).toBe('old');
    await generate([...base(), '--steps', '1']);
    expect((await readFile(join(folder, 'o.png'))).length).toBeGreaterThan(100);
    expect(await readdir(folder)).toEqual(['o.png']);
  });
});
