import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { CudaPack, Device, Finding } from '../../../shared/models.ts';
import { packFiles } from '../../system/cudaLibraries.ts';
import { forkEngine } from '../../hosts/forkEngine.ts';
import { createNetwork } from '../network/network.ts';
import { cudaChecks, type Machine } from './cuda/checks.ts';
import { cudaSource } from './cuda/nuget.ts';
import { cardNames, deviceName } from './deviceNames.ts';
import { createDevices, type Devices, type DevicesOptions, possibleOn } from './devices.ts';
import { startFeed, zipOf } from './testing/nugetServer.ts';

let folder: string;
let changes: { devices: Device[]; cudaPack: CudaPack }[];
let notices: Failure[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-devices-'));
  changes = [];
  notices = [];
});
afterEach(() => rm(folder, { recursive: true }));

const engineEntry = fileURLToPath(new URL('../../engine/process.ts', import.meta.url));
const assets = fileURLToPath(new URL('../../../assets', import.meta.url));

const bare: Machine = { driver: null, isWsl: false, folders: [] };

function open(change: Partial<DevicesOptions> = {}): Devices {
  return createDevices({
    startEngine: () => forkEngine(engineEntry, join(folder, 'cache'), assets),
    modelFolder: folder,
    dataFolder: folder,
    door: createNetwork({ isOffline: () => true, hosts: [] }),
    onChange: (value) => changes.push(value),
    onNotice: (failure) => notices.push(failure),
    ask: () => Promise.resolve(null),
    machine: bare,
    ...change,
  });
}

/** An engine process that says what a script says once it is asked for the self-test. */
async function engineThat(script: string): Promise<DevicesOptions['startEngine']> {
  const entry = join(folder, 'engine.cjs');
  await writeFile(entry, `process.on('message', (command) => { ${script} });\nprocess.send({ kind: 'ready', runtimeVersion: '1.30.0' });`);
  return () => forkEngine(entry, join(folder, 'cache'), assets);
}

const ran = { kind: 'ran', verdict: null, unetMs: { one: 3, two: 5 }, cpuMs: { one: 10, two: 20 }, difference: 1e-5 };
const answer = (report: object): string => `process.send({ kind: 'self-tested', requestId: command.requestId, report: ${JSON.stringify(report)} })`;

describe('the list of devices', () => {
  it('names what a platform can have at all', () => {
    const possible = (platform: NodeJS.Platform, arch: string): string[] => (['cuda', 'dml', 'coreml', 'webgpu', 'cpu'] as const).filter((provider) => possibleOn(provider, platform, arch));
    expect(possible('linux', 'x64')).toEqual(['cuda', 'webgpu', 'cpu']);
    expect(possible('linux', 'arm64')).toEqual(['cpu']);
    expect(possible('win32', 'x64')).toEqual(['dml', 'webgpu', 'cpu']);
    expect(possible('darwin', 'arm64')).toEqual(['coreml', 'webgpu', 'cpu']);
  });

  it('says what is not tested and what is not possible', async () => {
    const list = await open({ platform: 'linux', arch: 'x64' }).list();
    expect(list.map(({ provider, state, code }) => [provider, state, code])).toEqual([
      ['cuda', 'untested', ''],
      ['dml', 'missing', 'NOT_ON_THIS_PLATFORM'],
      ['coreml', 'missing', 'NOT_ON_THIS_PLATFORM'],
      ['webgpu', 'untested', ''],
      ['cpu', 'untested', ''],
    ]);
    await expect(open({ platform: 'linux', arch: 'x64' }).test('dml')).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'provider' });
  });
});

describe('a self-test', () => {
  it('runs the UNet in a process of its own on the real runtime, and its result outlives a restart', async () => {
    const modelFolder = await tinyModelFolder('sd');
    const devices = open({ modelFolder });
    const device = await devices.test('cpu');
    expect(device).toMatchObject({ provider: 'cpu', state: 'works', code: 'OK', difference: 0 });
    expect(device.unetMs?.one).toBeGreaterThan(0);
    expect(device.unetMs?.two).toBeGreaterThan(0);
    expect(device.name).not.toBeNull();
    expect(changes.at(-1)?.devices).toContainEqual(device);
    expect((await open().list()).find(({ provider }) => provider === 'cpu')).toEqual(device);
    await rm(modelFolder, { recursive: true });
  });

  it('of other drivers does not count', async () => {
    await open({ startEngine: await engineThat(answer(ran)) }).test('webgpu');
    const file = join(folder, 'devices.json');
    expect((await open().list())[3]).toMatchObject({ provider: 'webgpu', state: 'works', unetMs: { one: 3, two: 5 } });
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"key":"[^"]*"/, '"key":"another driver"'));
    expect((await open().list())[3]).toMatchObject({ provider: 'webgpu', state: 'untested' });
    await writeFile(file, '{ damaged');
    expect((await open().list())[3]).toMatchObject({ state: 'untested' });
  });

  it.each<[string, string, Partial<Device>]>([
    ['works', answer(ran), { state: 'works', difference: 1e-5, unetMs: { one: 3, two: 5 } }],
    ['is slow', answer({ ...ran, verdict: { code: 'EP_SLOW', reason: 'It is slower than the CPU.', remedy: '' } }), { state: 'slow', code: 'EP_SLOW', unetMs: { one: 3, two: 5 } }],
    ['is wrong', answer({ ...ran, difference: 0.4, verdict: { code: 'EP_WRONG', reason: 'It gave wrong results.', remedy: 'x' } }), { state: 'failed', code: 'EP_WRONG', difference: 0.4 }],
    ['gives no numbers', answer({ ...ran, difference: Number.MAX_VALUE, verdict: { code: 'EP_NAN', reason: 'It gave values that are no numbers.', remedy: 'x' } }), { state: 'failed', code: 'EP_NAN', difference: null }],
    ['is not there', answer({ kind: 'failed', message: 'Failed to get a WebGPU adapter: No supported adapters' }), { state: 'missing', code: 'NO_ADAPTER', unetMs: null }],
    ['tells why on stderr only', `process.stderr.write("Couldn't load Vulkan: libvulkan.so.1\\n", () => setTimeout(() => ${answer({ kind: 'failed', message: 'no' })}, 50))`, { state: 'missing', code: 'VULKAN_MISSING' }],
    ['crashes', "process.kill(process.pid, 'SIGSEGV')", { state: 'failed', code: 'EP_CRASH' }],
    ['crashes and says why', "process.stderr.write('VK_ERROR_DEVICE_LOST\\n', () => process.abort())", { state: 'failed', code: 'DEVICE_LOST' }],
    ['hangs', '', { state: 'failed', code: 'EP_HANGS', unetMs: null }],
    ['hangs in native code', 'for (;;);', { state: 'failed', code: 'EP_HANGS' }],
  ])('of a device that %s ends in a verdict', async (_what, script, expected) => {
    const device = await open({ startEngine: await engineThat(script), selfTestLimitMs: script === '' || script.startsWith('for') ? 1500 : 30_000 }).test('webgpu');
    expect(device).toMatchObject({ provider: 'webgpu', ...expected });
    if (device.state !== 'works') expect(device.reason).not.toBe('');
  });

  it('of an engine that cannot be started ends in a verdict, too', async () => {
    const device = await open({ startEngine: () => forkEngine(join(folder, 'nothing.cjs'), folder, assets) }).test('webgpu');
    expect(device).toMatchObject({ state: 'failed', code: 'EP_CRASH' });
  });

  it('of a device that crashes is noted for Automatic before it is made, and good news after', async () => {
    const modelFolder = await tinyModelFolder('sd');
    // A crash in the middle leaves the note; here the test of a device that is not in this build ends well and takes it away.
    await open({ modelFolder, platform: 'win32' }).test('dml');
    const stored: unknown = JSON.parse(await readFile(join(folder, 'cache', 'providers.json'), 'utf8'));
    expect(stored).toMatchObject({ verdicts: {} });
    await rm(modelFolder, { recursive: true });
  });
});

describe('names', () => {
  it('come from what the system tells', async () => {
    const ask = (text: string) => () => Promise.resolve(text);
    expect(await deviceName('cuda', ask('NVIDIA GeForce RTX 4070, 560.35.03\n'), 'linux')).toBe('NVIDIA GeForce RTX 4070, driver 560.35.03');
    expect(await deviceName('dml', ask('AMD Radeon RX 7800 XT|32.0.11037.4004\r\nIntel(R) UHD Graphics|\r\n'), 'win32')).toBe('AMD Radeon RX 7800 XT, driver 32.0.11037.4004; Intel(R) UHD Graphics');
    expect(await deviceName('coreml', ask('{"SPDisplaysDataType":[{"_name":"Apple M3","sppci_model":"Apple M3"}]}'), 'darwin')).toBe('Apple M3');
    expect(await deviceName('coreml', ask('no JSON'), 'darwin')).toBeNull();
    expect(await deviceName('dml', () => Promise.resolve(null), 'win32')).toBeNull();
    expect(cardNames(['0x1002:0x744c', '0x8086:0xa780'])).toBe('AMD 0x744c, Intel 0xa780');
  });
});

describe('the NVIDIA checks', () => {
  const toolkit = async (...names: string[]): Promise<string> => {
    const place = await mkdtemp(join(folder, 'lib-'));
    for (const name of names) await writeFile(join(place, name), '');
    return place;
  };
  const cuda12 = ['libcublasLt.so.12', 'libcublas.so.12', 'libcurand.so.10', 'libcudart.so.12'];
  const codes = (findings: readonly Finding[]): string[] => findings.map(({ severity, code }) => `${severity} ${code}`);

  it.each<[string, Partial<Machine>, string[], string[]]>([
    ['all is here', { driver: '560.35.03' }, [...cuda12, 'libcudnn.so.9'], ['fine CUDA_DRIVER', 'fine CUDA', 'fine CUDNN']],
    ['nothing is here', {}, [], ['error CUDA_DRIVER_MISSING', 'error CUDA_LIB_MISSING', 'error CUDNN_MISSING']],
    ['the driver is old', { driver: '470.256.02' }, [...cuda12, 'libcudnn.so.9'], ['error CUDA_DRIVER_OLD', 'fine CUDA', 'fine CUDNN']],
    ['the driver is just new enough', { driver: '525.60.13' }, [...cuda12, 'libcudnn.so.9'], ['fine CUDA_DRIVER', 'fine CUDA', 'fine CUDNN']],
    ['CUDA is 13', { driver: '580.65.06' }, ['libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10', 'libcudart.so.13', 'libcudnn.so.9'], ['fine CUDA_DRIVER', 'error CUDA_MAJOR', 'fine CUDNN']],
    ['cuDNN is 8', { driver: '560.35.03' }, [...cuda12, 'libcudnn.so.8'], ['fine CUDA_DRIVER', 'fine CUDA', 'error CUDNN_MAJOR']],
    ['one library is missing', { driver: '560.35.03' }, [...cuda12.slice(1), 'libcudnn.so.9'], ['fine CUDA_DRIVER', 'error CUDA_LIB_MISSING', 'fine CUDNN']],
    ['Windows has the driver', { isWsl: true }, [...cuda12, 'libcudnn.so.9', 'libcuda.so.1'], ['fine CUDA_DRIVER', 'fine CUDA', 'fine CUDNN']],
    ['Windows lacks the driver', { isWsl: true }, [...cuda12, 'libcudnn.so.9'], ['error CUDA_DRIVER_MISSING', 'fine CUDA', 'fine CUDNN']],
  ])('%s', async (_what, machine, libraries, expected) => {
    const findings = cudaChecks({ kind: 'absent' }, [], folder, { ...bare, ...machine, folders: [await toolkit(...libraries)] });
    expect(codes(findings)).toEqual([...expected, 'note CUDA_PACK_MISSING']);
    for (const { severity, remedy } of findings) expect(remedy === '').toBe(severity === 'fine');
  });

  it('name versions and files', async () => {
    const findings = cudaChecks({ kind: 'broken', problem: 'x is missing', folder: '/p' }, ['1.29.0'], folder, {
      driver: '470.256.02',
      isWsl: false,
      folders: [await toolkit('libcudart.so.11', 'libcudart.so.13', 'libcudnn.so.8')],
    });
    const text = findings.map(({ message, remedy }) => `${message} ${remedy}`).join('\n');
    for (const words of ['470.256.02', '525.60.13', 'CUDA 11 and 13 is installed, CUDA 12 is needed', 'libcublasLt.so.12', 'cuDNN 8 is installed, cuDNN 9', 'x is missing', '1.29.0']) expect(text).toContain(words);
  });
});

describe('the pack from the app', () => {
  it('is installed, told step by step, forgets the old test, and is removed', async () => {
    const cuda = Buffer.from(Float64Array.from({ length: 50_000 }, (_, index) => Math.cos(index)).buffer);
    const archive = zipOf(packFiles.slice(1).map((name) => ({ name: cudaSource.members[name as keyof typeof cudaSource.members], content: cuda })));
    const feed = await startFeed(archive, '1.30.0');
    await mkdir(join(folder, 'runtime'));
    await writeFile(join(folder, 'runtime', packFiles[0]), 'runtime');
    let runtimeChanges = 0;
    const devices = open({
      platform: 'linux',
      arch: 'x64',
      runtime: { version: '1.30.0', folder: join(folder, 'runtime') },
      door: createNetwork({ isOffline: () => false, hosts: [new URL(feed.index).host] }),
      index: feed.index,
      startEngine: await engineThat(answer(ran)),
      onRuntimeChanged: () => void runtimeChanges++,
    });
    await devices.test('cuda');
    expect(await devices.cudaPack()).toMatchObject({ state: 'absent', bytes: 0, progress: 0, command: 'npm run cuda', version: '1.30.0' });
    await devices.installCudaPack();
    await devices.installCudaPack();
    expect(await devices.cudaPack()).toMatchObject({ state: 'installing' });
    while ((await devices.cudaPack()).state === 'installing') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await devices.cudaPack()).toMatchObject({ state: 'installed', progress: 1, bytes: 7 + 2 * cuda.length });
    expect((await devices.list())[0]).toMatchObject({ provider: 'cuda', state: 'untested' });
    expect(feed.requests.filter((request) => request.includes('.nupkg'))).toHaveLength(1);
    const told = changes.map(({ cudaPack }) => cudaPack);
    expect(told.filter(({ state }) => state === 'installing').length).toBeGreaterThan(1);
    expect(runtimeChanges).toBe(1);
    await devices.removeCudaPack();
    expect(await devices.cudaPack()).toMatchObject({ state: 'absent' });
    expect([runtimeChanges, notices]).toEqual([2, []]);
    await feed.close();
  });

  it('that cannot be fetched is told, and the app goes on', async () => {
    const devices = open({ platform: 'linux', arch: 'x64' });
    await devices.installCudaPack();
    while ((await devices.cudaPack()).state === 'installing') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(notices).toMatchObject([{ code: 'OFFLINE' }]);
    await devices.installCudaPack();
    await devices.close();
  });

  it('does not exist elsewhere', async () => {
    const devices = open({ platform: 'darwin', arch: 'arm64' });
    expect(await devices.cudaPack()).toMatchObject({ state: 'not-possible', checks: [] });
    await expect(devices.installCudaPack()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
