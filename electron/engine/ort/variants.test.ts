import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceReasons, explainFailure } from '../../../shared/deviceReasons.ts';
import { type GraphVariant, plainVariant, usualVariant, variantsToProbe } from '../graph/graphVariant.ts';
import { Providers } from './providers.ts';
import { fastestRight, forkedVariantProber, judgeVariant, runVariantProbe, variantArgument, type VariantProber, type VariantReport } from './variantProbe.ts';
import { Variants } from './variants.ts';
import { type TriedVariant, VerdictFile } from './verdictFile.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-variants-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What each variant does on a device: milliseconds if it is right. */
type Simulated = Readonly<Record<'fused16' | 'plain16' | 'fused32' | 'plain32', number | 'wrong' | 'crash' | 'hang' | 'no f16'>>;

const keyOf = ({ attention, arithmetic }: GraphVariant): keyof Simulated => `${attention}${arithmetic === 'float16' ? '16' : '32'}`;

const noF16 = 'Program Transpose requires f16 but the device does not support it.';
const scriptOf = (what: Simulated[keyof Simulated]): string => {
  const send = (report: VariantReport): string => `process.send(${JSON.stringify(report)}, () => process.exit(0));`;
  switch (what) {
    case 'wrong':
      return send({ kind: 'ran', difference: 0.026, ms: 0.1 });
    case 'crash':
      return "process.kill(process.pid, 'SIGSEGV');";
    case 'hang':
      return 'for (;;);';
    case 'no f16':
      return send({ kind: 'failed', message: noF16 });
    default:
      return send({ kind: 'ran', difference: 1e-4, ms: what });
  }
};

let devices = 0;
/** A probe process that does with each variant what the device would. */
async function probeOf(device: Simulated, asked: string[] = []): Promise<VariantProber> {
  const entry = join(folder, `device-${devices++}.cjs`);
  const cases = variantsToProbe('webgpu').map((variant) => {
    return `if (process.argv.includes('--variant=${variant.attention},${variant.arithmetic}')) { ${scriptOf(device[keyOf(variant)])} }`;
  });
  await writeFile(entry, `if (!process.argv.includes('--probe=webgpu')) process.exit(9);\n${cases.join('\n')}`);
  const prober = forkedVariantProber(entry, 1500);
  return (provider, variant) => {
    asked.push(keyOf(variant));
    return prober(provider, variant);
  };
}

function variantsWith(probe: VariantProber, { cacheFolder = null, key = 'driver 1', inProcess = false }: { cacheFolder?: string | null; key?: string; inProcess?: boolean } = {}) {
  const log: string[] = [];
  const variants = new Variants({ probe, file: new VerdictFile(cacheFolder, key), probesInThisProcess: inProcess, log: (text) => log.push(text) });
  return { variants, log };
}

const fast: Simulated = { fused16: 10, plain16: 20, fused32: 30, plain32: 40 };

describe('of a device', () => {
  it.each<[string, Simulated, keyof Simulated]>([
    ['all are right: the fastest is taken', fast, 'fused16'],
    ['half precision is slow: float32', { ...fast, fused16: 60, plain16: 70 }, 'fused32'],
    ['plain attention is faster', { ...fast, plain16: 5 }, 'plain16'],
    ['as fast as half precision: the one of half the memory', { ...fast, fused32: 9.5 }, 'fused16'],
    ['there are no 16-bit shaders', { ...fast, fused16: 'no f16', plain16: 'no f16' }, 'fused32'],
    ['no 16-bit shaders and a wrong fused attention', { fused16: 'no f16', plain16: 'no f16', fused32: 'wrong', plain32: 40 }, 'plain32'],
    ['fused attention is wrong', { ...fast, fused16: 'wrong', fused32: 'wrong' }, 'plain16'],
    ['fused attention is wrong in float32 only, in which the VAE stays', { ...fast, fused32: 'wrong' }, 'plain16'],
    ['half precision crashes the driver', { ...fast, fused16: 'crash', plain16: 'crash' }, 'fused32'],
    ['half precision hangs the driver', { ...fast, fused16: 'hang', plain16: 'hang' }, 'fused32'],
    ['nothing is right: what needs least of it', { fused16: 'crash', plain16: 'no f16', fused32: 'wrong', plain32: 'wrong' }, 'plain32'],
  ])('%s', async (_what, device, wanted) => {
    const { variants, log } = variantsWith(await probeOf(device));
    expect(keyOf(await variants.of('webgpu', 'm'))).toBe(wanted);
    expect(log).toHaveLength(1);
  });

  it('it says which and why', async () => {
    const { variants, log } = variantsWith(await probeOf({ fused16: 'crash', plain16: 'no f16', fused32: 'wrong', plain32: 40.25 }));
    await variants.of('webgpu', 'm');
    expect(log).toEqual([
      'webgpu: graphs with plain attention in float32. Tried: fused attention in float16: EP_CRASH; plain attention in float16: NO_F16; fused attention in float32: EP_WRONG; plain attention in float32: 40.3 ms.',
    ]);
  });

  it('each is probed once, for all models and over a restart, and again for another driver', async () => {
    const asked: string[] = [];
    const probe = await probeOf({ ...fast, fused16: 'crash' }, asked);
    const cacheFolder = join(folder, 'cache');
    const { variants } = variantsWith(probe, { cacheFolder });
    await Promise.all([variants.of('webgpu', 'm'), variants.of('webgpu', 'other')]);
    expect(asked).toEqual(['fused16', 'plain16', 'fused32', 'plain32']);
    const again = variantsWith(probe, { cacheFolder });
    expect(keyOf(await again.variants.of('webgpu', 'm'))).toBe('plain16');
    expect(again.log).toHaveLength(1);
    expect(asked).toHaveLength(4);
    await variantsWith(probe, { cacheFolder, key: 'driver 2' }).variants.of('webgpu', 'm');
    expect(asked).toHaveLength(8);
  });

  it('want of memory passes: it is tried again after a restart', async () => {
    const asked: string[] = [];
    const cacheFolder = join(folder, 'memory');
    const probe: VariantProber = (provider, variant) => {
      asked.push(keyOf(variant));
      return Promise.resolve({ ...variant, ms: null, reason: explainFailure(provider, 'out of memory') });
    };
    for (let start = 0; start < 2; start++) expect(await variantsWith(probe, { cacheFolder }).variants.of('webgpu', 'm')).toEqual(plainVariant);
    expect(asked).toHaveLength(8);
  });

  it('the CPU and Core ML have their usual one, without a probe', async () => {
    const { variants } = variantsWith(() => Promise.reject(new Error('probed')));
    for (const provider of ['cpu', 'coreml'] as const) expect(await variants.of(provider, 'm')).toEqual(usualVariant(provider));
    expect(usualVariant('cpu')).toEqual({ attention: 'fused', arithmetic: 'float32' });
  });

  it('a model that cannot be run so is computed in plain float32, the others are not', async () => {
    const { variants, log } = variantsWith(await probeOf(fast));
    expect(await variants.reject('webgpu', 'loud', 'no numbers')).toBe(true);
    expect(await variants.of('webgpu', 'loud')).toEqual(plainVariant);
    expect(keyOf(await variants.of('webgpu', 'm'))).toBe('fused16');
    expect(await variants.reject('webgpu', 'loud', 'no numbers'), 'there is nothing plainer').toBe(false);
    expect(await variants.reject('cpu', 'loud', 'no numbers')).toBe(false);
    expect(log.at(-1)).toBe('webgpu: plain attention in float32 for loud, which could not be run with fused attention in float16: no numbers');
  });
});

describe('where no process can be started for it', () => {
  it('a variant that takes the engine along is out at the next start, and the others are tried', async () => {
    const cacheFolder = join(folder, 'crashes');
    const asked: string[] = [];
    // The first never comes back: the process is gone.
    const probe: VariantProber = (_provider, variant) => {
      asked.push(keyOf(variant));
      if (asked.length === 1) return new Promise(() => undefined);
      return Promise.resolve({ ...variant, ms: 5, reason: null });
    };
    void variantsWith(probe, { cacheFolder, inProcess: true }).variants.of('webgpu', 'm');
    await expect.poll(() => asked.length).toBe(1);
    const stored = JSON.parse(await readFile(join(cacheFolder, 'providers.json'), 'utf8')) as unknown;
    expect(stored).toMatchObject({ variants: { webgpu: [{ attention: 'fused', arithmetic: 'float16', reason: deviceReasons.crashed }] } });
    const next = variantsWith(probe, { cacheFolder, inProcess: true });
    expect(keyOf(await next.variants.of('webgpu', 'm'))).toBe('plain16');
    expect(asked).toEqual(['fused16', 'plain16', 'fused32', 'plain32']);
  });

  it('and where no note would outlive it, nothing is risked', async () => {
    const { variants } = variantsWith(() => Promise.reject(new Error('probed')), { inProcess: true });
    expect(await variants.of('webgpu', 'm')).toEqual(plainVariant);
  });
});

describe('the choice', () => {
  const found = (times: Partial<Record<keyof Simulated, number>>): TriedVariant[] =>
    variantsToProbe('cuda').flatMap((variant) => {
      const ms = times[keyOf(variant)];
      return ms === undefined ? [] : [{ ...variant, ms, reason: null }];
    });

  it('takes less memory for a tenth of the time, not for more', () => {
    expect(fastestRight('cuda', found({ fused16: 10.9, plain16: 30, fused32: 10, plain32: 30 }))).toEqual({ attention: 'fused', arithmetic: 'float16' });
    expect(fastestRight('cuda', found({ fused16: 11.1, plain16: 30, fused32: 10, plain32: 30 }))).toEqual({ attention: 'fused', arithmetic: 'float32' });
    expect(fastestRight('cuda', [])).toBeNull();
  });

  it('has a tolerance for each arithmetic', () => {
    const off = (difference: number): VariantReport => ({ kind: 'ran', difference, ms: 1 });
    const half: GraphVariant = { attention: 'plain', arithmetic: 'float16' };
    expect(judgeVariant('cuda', plainVariant, off(0.003), '')).toBeNull();
    expect(judgeVariant('cuda', plainVariant, off(0.005), '')).toEqual(deviceReasons.wrong);
    expect(judgeVariant('cuda', half, off(0.005), '')).toBeNull();
    expect(judgeVariant('cuda', half, off(0.026), '')).toEqual(deviceReasons.wrong);
    expect(judgeVariant('cuda', half, off(Number.MAX_VALUE), '')).toEqual(deviceReasons.nan);
    expect(judgeVariant('webgpu', half, { kind: 'failed', message: noF16 }, '')).toMatchObject({ code: 'NO_F16' });
  });

  it('is passed to the probe on its command line', () => {
    expect(variantArgument(['--probe=cuda', '--variant=plain,float16'])).toEqual({ attention: 'plain', arithmetic: 'float16' });
    expect(variantArgument(['--variant=plain,float64'])).toBeNull();
    expect(variantArgument(['--probe=cuda'])).toBeNull();
  });
});

describe('the ladder', () => {
  const providersOf = (verdict: typeof deviceReasons.slow | null, probeVariant: VariantProber): Providers =>
    new Providers({ platform: 'linux', arch: 'x64', key: 'k', probe: () => Promise.resolve(verdict), probeVariant });

  it('gives a device its variant', async () => {
    const providers = providersOf(null, await probeOf({ ...fast, fused16: 'wrong' }));
    await providers.resolve('webgpu', 'm');
    expect(keyOf(await providers.variantFor('webgpu', 'm'))).toBe('plain16');
    expect(await providers.rejectVariant('webgpu', 'm', 'why')).toBe(true);
    expect(await providers.variantFor('webgpu', 'm')).toEqual(plainVariant);
  });

  it('a device slower than the CPU, taken by name, is not probed any longer', async () => {
    const providers = providersOf(deviceReasons.slow, () => Promise.reject(new Error('probed')));
    await providers.resolve('webgpu', 'm');
    expect(await providers.variantFor('webgpu', 'm')).toEqual(plainVariant);
  });
});

describe('the probe itself, on the CPU', () => {
  it.each(variantsToProbe('webgpu'))('finds $attention attention in $arithmetic right', async (variant) => {
    const report = await runVariantProbe('cpu', variant);
    expect(judgeVariant('cpu', variant, report, '')).toBeNull();
    if (report.kind !== 'ran') throw new Error(report.message);
    expect(report.ms).toBeGreaterThan(0);
    // Casts to half precision are there, and are all that differs.
    expect(report.difference).toBeLessThan(variant.arithmetic === 'float16' ? 3e-3 : 1e-5);
    if (variant.arithmetic === 'float16') expect(report.difference).toBeGreaterThan(1e-4);
  });

  it.runIf(process.platform !== 'win32')('tells what the runtime says of a device that is not there, here and from a process of its own', async () => {
    const report = await runVariantProbe('dml', plainVariant);
    expect(judgeVariant('dml', plainVariant, report, '')).toMatchObject({ code: 'NOT_IN_BUILD' });
    const apart = forkedVariantProber(fileURLToPath(new URL('../process.ts', import.meta.url)));
    expect(await apart('dml', plainVariant)).toEqual({ ...plainVariant, ms: null, reason: explainFailure('dml', 'backend not found') });
  });
});
