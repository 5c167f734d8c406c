import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { deviceReasons } from '../../../shared/deviceReasons.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import { float16ToFloat32, float32ToFloat16, roundHalfEven } from '../tensor/float16.ts';
import { onnxModel } from '../graph/onnx/model.ts';
import { tensor } from '../tensor/tensor.ts';
import { runProbe } from './probe.ts';
import { forkedProber, judge, type Verdict } from './prober.ts';
import { ladderOf, Providers } from './providers.ts';
import { openSession } from './session.ts';
import { VerdictFile } from './verdictFile.ts';
import { countCores } from './threads.ts';

const identity = (type: 'float16' | 'float32' | 'int32' | 'int64'): Buffer =>
  onnxModel({
    inputs: [{ name: 'x', type, dims: ['n', 2] }],
    outputs: [{ name: 'y', type, dims: ['n', 2] }],
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });

describe('sessions', () => {
  // float16 inputs fail on Node 24 when given as a Tensor (onnxruntime PR 32323): this is the guard's regression test.
  it.each(['float16', 'float32', 'int32', 'int64'] as const)('give and take %s', async (type) => {
    const session = await openSession(identity(type), 'cpu');
    expect(session.inputs).toEqual([{ name: 'x', type, dims: ['n', 2] }]);
    const values = type.startsWith('int') ? [1, -2, 3, 40_000] : [1, -2.5, 0.0999755859375, 1024];
    const { y } = await session.run({ x: tensor([2, 2], Float32Array.from(values)) });
    expect(y?.dims).toEqual([2, 2]);
    expect(Array.from(y?.data ?? [])).toEqual(values);
    await session.release();
  });

  it('say what a model wanted', async () => {
    const session = await openSession(identity('float32'), 'cpu');
    await expect(session.run({})).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('"x" float32 [n, 2]') as unknown });
    await expect(session.run({ x: tensor([1, 3], new Float32Array(3)) })).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });

  it('tell a missing file from a damaged one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stopbath-ort-'));
    await expect(openSession(join(folder, 'unet', 'model.onnx'), 'cpu')).rejects.toMatchObject({
      code: 'MODEL_PARTS',
      message: expect.stringContaining(join('unet', 'model.onnx')) as unknown,
    });
    await writeFile(join(folder, 'model.onnx'), 'no protobuf');
    await expect(openSession(join(folder, 'model.onnx'), 'cpu')).rejects.toMatchObject({ code: 'MODEL_BAD' });
  });

  it('tell a model from the future from a damaged one', async () => {
    const model = (op: string): Buffer =>
      onnxModel({
        inputs: [{ name: 'x', type: 'float32', dims: [2] }],
        outputs: [{ name: 'y', type: 'float32', dims: [2] }],
        nodes: [{ op, inputs: ['x'], outputs: ['y'] }],
      });
    await expect(openSession(model('NotYetInvented'), 'cpu')).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    const later = model('Identity');
    // The opset version is the last byte of the file, the format version the second.
    later[later.length - 1] = 99;
    await expect(openSession(later, 'cpu')).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    const newFormat = model('Identity');
    newFormat[1] = 120;
    await expect(openSession(newFormat, 'cpu')).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });
});

describe('half precision', () => {
  it('goes through every finite half unchanged', () => {
    const halves = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00);
    expect(float32ToFloat16(float16ToFloat32(halves))).toEqual(halves);
  });

  it('rounds to nearest, ties to even, as the platform does', () => {
    const values = Float32Array.from({ length: 20_000 }, (_, i) => Math.sin(i * 1.7) * 10 ** ((i % 14) - 8));
    const wanted = values.map(Math.f16round);
    expect(float16ToFloat32(float32ToFloat16(values))).toEqual(wanted);
    const edges = Float32Array.of(65_504, 65_519.99, 65_520, -70_000, Infinity, 0, -0, 2 ** -24, 2 ** -25, 3 * 2 ** -25);
    expect(float16ToFloat32(float32ToFloat16(edges))).toEqual(edges.map(Math.f16round));
    expect(float16ToFloat32(float32ToFloat16(Float32Array.of(NaN)))[0]).toBeNaN();
    expect([0.5, 1.5, 2.5, -1.5, 166.5].map(roundHalfEven)).toEqual([0, 2, 2, -2, 166]);
  });
});

describe('provider ladder', () => {
  const refuse: Verdict = { code: 'NO_ADAPTER', reason: 'none', remedy: 'a driver' };

  it('is as long as the platform allows, the CPU last', () => {
    expect(ladderOf('linux', 'x64')).toEqual(['cuda', 'webgpu', 'cpu']);
    expect(ladderOf('linux', 'arm64')).toEqual(['cpu']);
    expect(ladderOf('win32', 'x64')).toEqual(['dml', 'webgpu', 'cpu']);
    expect(ladderOf('darwin', 'arm64')).toEqual(['coreml', 'webgpu', 'cpu']);
  });

  it('goes down to the first that may be used, with a reason for each one above, and probes each once', async () => {
    const asked: ProviderId[] = [];
    const providers = new Providers({
      platform: 'linux', arch: 'x64',
      probe: (provider) => {
        asked.push(provider);
        return Promise.resolve(provider === 'webgpu' ? null : refuse);
      },
    });
    const device = await providers.resolve('auto', 'm');
    expect(device.provider).toBe('webgpu');
    expect(device.rungs).toEqual([
      { provider: 'cuda', taken: false, ...refuse },
      { provider: 'webgpu', taken: true, code: 'OK', reason: '', remedy: '' },
    ]);
    await providers.resolve('auto', 'm');
    expect(asked).toEqual(['cuda', 'webgpu']);
    providers.reject('webgpu', 'm', 'Program Transpose requires f16 but the device does not support it.');
    const next = await providers.resolve('auto', 'm');
    expect(next.provider).toBe('cpu');
    expect(next.rungs[1]).toMatchObject({ provider: 'webgpu', taken: false, code: 'NO_F16' });
    expect((await providers.resolve('auto', 'other model')).provider).toBe('webgpu');
  });

  it('never replaces a chosen provider silently', async () => {
    const refusing = new Providers({ platform: 'linux', arch: 'x64', probe: () => Promise.resolve(refuse) });
    await expect(refusing.resolve('webgpu', 'm')).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect((await refusing.resolve('cpu', 'm')).provider).toBe('cpu');
    const slow = new Providers({ platform: 'linux', arch: 'x64', probe: () => Promise.resolve(deviceReasons.slow) });
    expect(await slow.resolve('webgpu', 'm')).toMatchObject({ provider: 'webgpu', rungs: [{ taken: true, code: 'EP_SLOW' }] });
    expect((await slow.resolve('auto', 'm')).provider).toBe('cpu');
  });

  it('goes on when a probe cannot be made at all, and when its notes cannot be kept', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'stopbath-cache-')), 'file');
    await writeFile(file, '');
    const providers = new Providers({ platform: 'linux', arch: 'x64', cacheFolder: file, probe: () => Promise.reject(new Error('spawn EAGAIN')) });
    expect((await providers.resolve('auto', 'm')).rungs.map(({ code }) => code)).toEqual(['CUDA_FAILED', 'EP_FAILED', 'OK']);
    await expect(providers.resolve('webgpu', 'm')).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await providers.setVerified('webgpu', 'hash');
    expect(await providers.isVerified('webgpu', 'hash')).toBe(true);
  });

  it('keeps good news over a restart, and asks again after bad', async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'stopbath-cache-'));
    let probes = 0;
    const start = (): Providers =>
      new Providers({
        platform: 'linux', arch: 'x64', cacheFolder,
        probe: (provider) => {
          probes++;
          return Promise.resolve(provider === 'webgpu' ? null : refuse);
        },
      });
    await start().resolve('auto', 'm');
    expect(probes).toBe(2);
    expect((await start().resolve('auto', 'm')).provider).toBe('webgpu');
    expect(probes).toBe(3);
    // By name, too.
    expect((await start().resolve('webgpu', 'm')).provider).toBe('webgpu');
    expect(probes).toBe(3);
    await writeFile(join(cacheFolder, 'providers.json'), '{damaged');
    await start().resolve('auto', 'm');
    expect(probes).toBe(5);
    expect(JSON.parse(await readFile(join(cacheFolder, 'providers.json'), 'utf8'))).toHaveProperty('verdicts.webgpu', null);
  });
});

describe('what is known of devices', () => {
  const slow = deviceReasons.slow;
  const start = (cacheFolder: string, key: string, verdict: Verdict, asked: ProviderId[] = []): Providers =>
    new Providers({
      platform: 'linux', arch: 'x64', cacheFolder, key,
      knownBefore: (provider) => (provider === 'cuda' ? slow : null),
      probe: (provider) => {
        asked.push(provider);
        return Promise.resolve(verdict);
      },
    });

  it('does not outlive a change of runtime or driver', async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'stopbath-cache-'));
    const first = start(cacheFolder, 'driver 1', null);
    expect((await first.resolve('auto', 'm')).provider).toBe('webgpu');
    await first.setVerified('webgpu', 'hash');
    const asked: ProviderId[] = [];
    const second = start(cacheFolder, 'driver 2', slow, asked);
    expect((await second.resolve('auto', 'm')).provider).toBe('cpu');
    expect(asked).toEqual(['webgpu']);
    expect(await second.isVerified('webgpu', 'hash')).toBe(false);
    expect(await start(cacheFolder, 'driver 1', null).isVerified('webgpu', 'hash')).toBe(true);
  });

  it('is shared with a self-test that another process makes', async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'stopbath-cache-'));
    const engine = start(cacheFolder, 'driver 1', slow);
    expect((await engine.resolve('auto', 'm')).provider).toBe('cpu');
    await new VerdictFile(cacheFolder, 'driver 1').save({ verdicts: { webgpu: null }, verified: [], moved: {} });
    expect((await engine.resolve('auto', 'm')).provider).toBe('webgpu');
  });
});

describe('a probe in the engine itself', () => {
  const options = { platform: 'linux', arch: 'x64', probesInThisProcess: true } as const;

  it('is not made unasked where a crash could not be noted', async () => {
    const providers = new Providers({ ...options, probe: () => Promise.resolve(null) });
    expect((await providers.resolve('auto', 'm')).rungs.map(({ code }) => code)).toEqual(['NOT_TRIED', 'NOT_TRIED', 'OK']);
    expect((await providers.resolve('webgpu', 'm')).provider).toBe('webgpu');
  });

  it('that took the process along is not made again, but by name', async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'stopbath-cache-'));
    const never = new Providers({ ...options, cacheFolder, probe: () => new Promise(() => undefined) });
    void never.resolve('auto', 'm');
    const noted = async (): Promise<boolean> => (await readFile(join(cacheFolder, 'providers.json'), 'utf8').catch(() => '')).includes('EP_CRASH');
    while (!(await noted())) await new Promise((resolve) => setTimeout(resolve, 5));
    const asked: ProviderId[] = [];
    const next = new Providers({
      ...options, cacheFolder,
      probe: (provider) => {
        asked.push(provider);
        return Promise.resolve(null);
      },
    });
    expect((await next.resolve('auto', 'm')).rungs.map(({ code }) => code)).toEqual(['EP_CRASH', 'OK']);
    expect((await next.resolve('cuda', 'm')).provider).toBe('cuda');
    expect(asked).toEqual(['webgpu', 'cuda']);
  });
});

it('counts cores, not their threads', () => {
  const processor = (physical: number, core: number): string => `processor : 0\nphysical id\t: ${physical}\ncore id\t\t: ${core}\n`;
  expect(countCores([processor(0, 0), processor(0, 0), processor(0, 1), processor(1, 0)].join('\n'))).toBe(3);
  expect(countCores('processor : 0\nBogoMIPS : 1\n')).toBeNull();
});

describe('probes', () => {
  it('judge results and speed', () => {
    const ran = { kind: 'ran', maxDifference: 1e-5, isFinite: true, cpuMs: 10, providerMs: 2 } as const;
    expect(judge('webgpu', ran, '')).toBeNull();
    expect(judge('webgpu', { ...ran, maxDifference: 0.004 }, '')).toMatchObject({ code: 'EP_WRONG' });
    expect(judge('webgpu', { ...ran, maxDifference: NaN }, '')).toMatchObject({ code: 'EP_WRONG' });
    expect(judge('webgpu', { ...ran, isFinite: false }, '')).toMatchObject({ code: 'EP_NAN' });
    expect(judge('webgpu', { ...ran, providerMs: 400 }, '')).toMatchObject({ code: 'EP_SLOW' });
  });

  it('run the same model on the CPU with the same result', async () => {
    expect(await runProbe('cpu')).toMatchObject({ kind: 'ran', maxDifference: 0 });
  });

  it('in a process of their own say why, crash alone, and are given up when they hang', async () => {
    const entry = fileURLToPath(new URL('../process.ts', import.meta.url));
    expect(await forkedProber(entry)('dml')).toMatchObject({ code: 'NOT_IN_BUILD' });
    const folder = await mkdtemp(join(tmpdir(), 'stopbath-probe-'));
    await writeFile(join(folder, 'crash.cjs'), "process.kill(process.pid, 'SIGSEGV')");
    expect(await forkedProber(join(folder, 'crash.cjs'))('webgpu')).toMatchObject({ code: 'EP_CRASH' });
    await writeFile(join(folder, 'hang.cjs'), 'setInterval(() => undefined, 1000)');
    expect(await forkedProber(join(folder, 'hang.cjs'), 300)('webgpu')).toMatchObject({ code: 'EP_HANGS' });
  });
});
