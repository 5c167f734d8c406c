import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainFailure } from '../../../shared/deviceReasons.ts';
import { type EngineMessage, plainUse } from '../../../shared/engineProtocol.ts';
import type { ProviderChoice, ProviderId } from '../../../shared/generation.ts';
import { Engine } from '../engine.ts';
import { mapTensor } from '../tensor/tensor.ts';
import { ofKind, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { loadError, runError } from './errors.ts';
import { mayMove, partName } from './movableSession.ts';
import { forkedProber, type Prober } from './prober.ts';
import { ladderOf, Providers } from './providers.ts';
import { openSession } from './session.ts';

/**
 * Devices that fail as real ones do. The CUDA texts marked "read off" were printed by the provider library of 1.30.0 with a library
 * missing, or with a driver that answers that error; the others stand in reports to the projects they name.
 */
interface Fault {
  readonly what: string;
  readonly provider: Exclude<ProviderId, 'cpu'>;
  readonly text: string;
  readonly code: string;
  /** Words of the sentence and of the remedy. */
  readonly says: RegExp;
  readonly remedy: RegExp;
}

const lib = '/data/cuda/1.30.0/libonnxruntime_providers_cuda.so';
const missing = (name: string): string =>
  `\u001b[1;31m[E:onnxruntime:onnxruntime-node, provider_bridge_ort.cc:2146 Create] [ONNXRuntimeError] : 1 : FAIL : Failed to load library ${lib} with error: ${name}: cannot open shared object file: No such file or directory\u001b[m`;
const cudaCall = (failure: string): string =>
  `cuda_call.cc:154 onnxruntime::CudaCall CUDA failure ${failure} ; GPU=-1 ; hostname=vm ; file=cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id);`;
const node = (name: string, status: string): string => `Non-zero status code returned while running ${name} node. Name:'/${name}' Status Message: ${status}`;

const faults: readonly Fault[] = [
  // Read off.
  { what: 'no pack', provider: 'cuda', text: 'Failed to load library /x/libonnxruntime_providers_shared.so with error: /x/libonnxruntime_providers_shared.so: cannot open shared object file', code: 'CUDA_PACK_MISSING', says: /not installed/, remedy: /Install it/ },
  { what: 'wrong CUDA major', provider: 'cuda', text: missing('libcublasLt.so.13'), code: 'CUDA_LIB_MISSING', says: /libcublasLt\.so\.13/, remedy: /CUDA 13\. Another major/ },
  { what: 'CUDA 12 missing', provider: 'cuda', text: missing('libcudart.so.12'), code: 'CUDA_LIB_MISSING', says: /libcudart\.so\.12/, remedy: /CUDA 12\./ },
  { what: 'cuFFT, which counts otherwise', provider: 'cuda', text: missing('libcufft.so.11'), code: 'CUDA_LIB_MISSING', says: /libcufft/, remedy: /CUDA 12\./ },
  { what: 'cuRAND, whose number says nothing', provider: 'cuda', text: missing('libcurand.so.10'), code: 'CUDA_LIB_MISSING', says: /libcurand\.so\.10/, remedy: /other CUDA libraries/ },
  { what: 'no driver', provider: 'cuda', text: missing('libcuda.so.1'), code: 'CUDA_DRIVER_MISSING', says: /driver is not installed/, remedy: /Install the NVIDIA driver/ },
  { what: 'driver too old', provider: 'cuda', text: cudaCall('35: CUDA driver version is insufficient for CUDA runtime version'), code: 'CUDA_DRIVER_OLD', says: /too old/, remedy: /525\.60.*580\.65/ },
  { what: 'no card', provider: 'cuda', text: cudaCall('100: no CUDA-capable device is detected'), code: 'NO_GPU', says: /No NVIDIA GPU/, remedy: /^$/ },
  { what: 'memory full at start', provider: 'cuda', text: cudaCall('2: out of memory'), code: 'OOM', says: /memory is not enough/, remedy: /smaller size/ },
  { what: 'no cuDNN', provider: 'cuda', text: 'cuDNN is not available. Install cuDNN, update the system library search path, or set enable_cudnn=0', code: 'CUDNN_MISSING', says: /cuDNN 9 is missing/, remedy: /cuDNN 8 does not/ },
  // onnxruntime issues 3117, 22441, 27725; 17337, 26322; NVIDIA's error table.
  { what: 'GPU too new or too old', provider: 'cuda', text: node('Sigmoid', 'CUDA error cudaErrorNoKernelImageForDevice:no kernel image is available for execution on the device'), code: 'UNSUPPORTED_GPU', says: /do not support this GPU/, remedy: /WebGPU or the CPU/ },
  { what: 'cuDNN of another version', provider: 'cuda', text: 'CUDNN failure 1001: CUDNN_STATUS_NOT_INITIALIZED ; GPU=0 ; expr=cudnnCreate(&cudnn_handle_);', code: 'CUDNN_FAILED', says: /cuDNN could not be started/, remedy: /only that one/ },
  { what: 'cuDNN 8 by name', provider: 'cuda', text: missing('libcudnn.so.9'), code: 'CUDNN_MISSING', says: /cuDNN 9/, remedy: /cuDNN 8 does not replace/ },
  { what: 'driver and kernel module apart', provider: 'cuda', text: cudaCall('803: system has unsupported display driver / cuda driver combination'), code: 'CUDA_DRIVER_OLD', says: /driver/, remedy: /Update/ },
  { what: 'exclusive mode', provider: 'cuda', text: cudaCall('46: CUDA-capable device(s) is/are busy or unavailable'), code: 'GPU_BUSY', says: /Another program/, remedy: /End that program/ },
  { what: 'illegal access', provider: 'cuda', text: node('Conv', 'CUDA failure 700: an illegal memory access was encountered'), code: 'DEVICE_LOST', says: /gave up/, remedy: /Start Stopbath again/ },
  { what: 'arena full', provider: 'cuda', text: node('Conv', 'bfc_arena.cc:376 AllocateRawInternal Failed to allocate memory for requested buffer of size 536870912'), code: 'OOM', says: /memory/, remedy: /smaller size/ },
  { what: 'cuBLAS without memory', provider: 'cuda', text: node('MatMul', 'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED'), code: 'OOM', says: /memory/, remedy: /smaller size/ },
  { what: 'half a file', provider: 'cuda', text: `Failed to load library ${lib} with error: ${lib}: file too short`, code: 'CUDA_PACK_BROKEN', says: /damaged or of another version/, remedy: /install them again/ },
  { what: 'other runtime version', provider: 'cuda', text: `Failed to load library ${lib} with error: ${lib}: undefined symbol: _ZN11onnxruntime12Provider`, code: 'CUDA_PACK_BROKEN', says: /another version/, remedy: /install them again/ },
  { what: 'old system', provider: 'cuda', text: `${lib}: /lib/x86_64-linux-gnu/libstdc++.so.6: version \`GLIBCXX_3.4.32' not found`, code: 'SYSTEM_OLD', says: /GLIBCXX_3\.4\.32/, remedy: /Update the system/ },
  { what: 'something new', provider: 'cuda', text: 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library', code: 'CUDA_FAILED', says: /could not be started/, remedy: /checks/ },
  // Read off: 1.30.0 without a loader, with Mesa 22.3 llvmpipe, on SwiftShader.
  { what: 'no Vulkan loader', provider: 'webgpu', text: "Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file\nFailed to get a WebGPU adapter: No supported adapters", code: 'VULKAN_MISSING', says: /loader is missing/, remedy: /libvulkan1/ },
  { what: 'no adapter', provider: 'webgpu', text: 'Failed to get a WebGPU adapter: No supported adapters', code: 'NO_ADAPTER', says: /No usable graphics driver/, remedy: /Install the driver/ },
  { what: 'old Vulkan driver', provider: 'webgpu', text: 'Vulkan shaderUniform*ArrayDynamicIndexing required.\nFailed to get a WebGPU adapter: No supported adapters', code: 'VULKAN_OLD', says: /lacks what WebGPU needs/, remedy: /Update/ },
  { what: 'no f16', provider: 'webgpu', text: node('Transpose', 'Program Transpose requires f16 but the device does not support it.'), code: 'NO_F16', says: /half-precision/, remedy: /fp32 variant/ },
  // onnxruntime issues 25195, web-llm 22 and 60.
  { what: 'GPU memory full', provider: 'webgpu', text: '[E:onnxruntime:Default, webgpu_context.cc:120 operator()] WebGPU device error(2): Out of memory', code: 'OOM', says: /memory/, remedy: /smaller size/ },
  { what: 'Vulkan memory full', provider: 'webgpu', text: 'vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY', code: 'OOM', says: /memory/, remedy: /smaller size/ },
  { what: 'device lost', provider: 'webgpu', text: 'vkQueueSubmit failed with VK_ERROR_DEVICE_LOST', code: 'DEVICE_LOST', says: /gave up/, remedy: /update the graphics driver/ },
  { what: 'buffer limit', provider: 'webgpu', text: 'Buffer size (536870912) exceeds the max buffer size limit (268435456).', code: 'GPU_LIMIT', says: /larger than a buffer/, remedy: /smaller size/ },
  { what: 'shader compiler', provider: 'webgpu', text: '[Invalid ShaderModule "Conv2DMatMul"] is invalid. While calling [Device].CreateComputePipeline', code: 'SHADER_FAILED', says: /could not compile/, remedy: /Update/ },
  { what: 'something new', provider: 'webgpu', text: 'something new', code: 'EP_FAILED', says: /webgpu could not be started/, remedy: /Update/ },
  // onnxruntime issues 22700, 28495; DirectML 550; genai 814.
  { what: 'device removed', provider: 'dml', text: 'DmlExecutionProvider/src/ExecutionProvider.cpp(962) Exception(3) tid(5a68) 887A0005 The GPU device instance has been suspended. Use GetDeviceRemovedReason to determine the appropriate action.', code: 'DEVICE_LOST', says: /gave up/, remedy: /graphics driver/ },
  { what: 'device hung', provider: 'dml', text: 'DmlGraphFusionHelper.cpp(1078) 887A0006 The GPU will not respond to more commands, most likely because of an invalid command passed by the calling application.', code: 'DEVICE_LOST', says: /gave up/, remedy: /graphics driver/ },
  { what: 'memory full', provider: 'dml', text: 'DmlCommittedResourceAllocator.cpp(22) 8007000E Not enough memory resources are available to complete this operation.', code: 'OOM', says: /memory/, remedy: /smaller size/ },
  { what: 'no DirectX 12', provider: 'dml', text: '887A0004 The specified device interface or feature level is not supported on this system.', code: 'DML_UNSUPPORTED', says: /DirectX 12/, remedy: /Update/ },
  { what: 'missing DLL', provider: 'dml', text: 'LoadLibrary failed with error 126 "DirectML.dll"', code: 'DLL_MISSING', says: /file of Stopbath is missing/, remedy: /Install Stopbath again/ },
  { what: 'not in this build', provider: 'dml', text: 'no available backend found. ERR: [dml] backend not found.', code: 'NOT_IN_BUILD', says: /does not contain/, remedy: /^$/ },
  // onnxruntime issues 26355; coremltools 973, 2325.
  { what: 'does not compile', provider: 'coreml', text: 'Error compiling model: "compiler error: Encountered an unexpected error while compiling a neural network model."', code: 'COREML_COMPILE', says: /could not translate/, remedy: /WebGPU or the CPU/ },
  { what: 'no execution plan', provider: 'coreml', text: "Failed to build the model execution plan using a model architecture file '/x/model.mil' with error code: -14.", code: 'COREML_COMPILE', says: /could not translate/, remedy: /WebGPU/ },
  { what: 'does not run', provider: 'coreml', text: node('CoreMLExecutionProvider_1_3', 'Error executing model: Unable to compute the prediction using a neural network model. (error code: -1).'), code: 'COREML_RUN', says: /could not run/, remedy: /WebGPU/ },
];

const platformOf = { cuda: 'linux', webgpu: 'linux', dml: 'win32', coreml: 'darwin' } as const;
const archOf = { cuda: 'x64', webgpu: 'x64', dml: 'x64', coreml: 'arm64' } as const;

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stopbath-devices-'));
  model = await writeTinyModel();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(model, { recursive: true });
});

let scripts = 0;
/** A probe process that does what a script says. */
async function probeThat(script: string, limitMs?: number): Promise<Prober> {
  const entry = join(folder, `probe-${scripts++}.cjs`);
  await writeFile(entry, script);
  return forkedProber(entry, limitMs);
}

/** The ladder of the provider's platform with one bad device; there is none above it, and those below are fine. */
function ladderWith(bad: ProviderId, probe: Prober): Providers {
  const known = bad as Fault['provider'];
  return new Providers({
    platform: platformOf[known],
    arch: archOf[known],
    probe: (provider) => {
      if (provider === bad) return probe(provider);
      return Promise.resolve(provider === nextBelow(known) ? null : explainFailure(provider, 'backend not found'));
    },
  });
}

function nextBelow(provider: Fault['provider']): ProviderId {
  const ladder = ladderOf(platformOf[provider], archOf[provider]);
  return ladder[ladder.indexOf(provider) + 1] ?? 'cpu';
}

describe('a device that fails when it is tried', () => {
  it.each(faults)('$provider: $what', async ({ provider, text, code, says, remedy }) => {
    // As 1.30 does it: the cause goes to stderr, the script hears only that it failed.
    const probe = await probeThat(
      `process.stderr.write(${JSON.stringify(`${text}\n`)}, () => process.send({ kind: 'failed', message: 'Failed to load shared library' }, () => process.exit(0)));`,
    );
    const providers = ladderWith(provider, probe);
    const { provider: taken, rungs } = await providers.resolve('auto', 'm');
    const rung = rungs.find((item) => item.provider === provider);
    expect(rung).toMatchObject({ taken: false, code, reason: expect.stringMatching(says) as unknown, remedy: expect.stringMatching(remedy) as unknown });
    expect(taken).toBe(nextBelow(provider));
    // By name it is an error with the same sentence, never another device.
    const refused = await providers.resolve(provider, 'm').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', message: expect.stringMatching(says) as unknown, detail: code });
  });

  it.each(faults)('$provider: $what, of a model that is there, is the device', ({ provider, text, code }) => {
    const error = loadError('/models/x/unet/model.onnx', new Error(text), provider);
    expect(error.code).toBe(code === 'OOM' ? 'OUT_OF_MEMORY' : 'PROVIDER_UNAVAILABLE');
  });

  it('every code has one sentence and one remedy', () => {
    const texts = new Map<string, Set<string>>();
    for (const { provider, text, code } of faults) {
      const { reason, remedy } = explainFailure(provider, text);
      const general = `${reason.replaceAll(/lib\S+\.so\.\d+/g, 'LIB')} ${remedy.replaceAll(/CUDA \d+|the one of .*?libraries/g, 'CUDA')}`;
      texts.set(code, (texts.get(code) ?? new Set()).add(general));
    }
    expect([...texts].filter(([, sentences]) => sentences.size !== 1)).toEqual([]);
    expect(texts.size).toBeGreaterThan(20);
  });

  const ran = { kind: 'ran', maxDifference: 1e-6, isFinite: true, cpuMs: 10, providerMs: 1 };
  it.each([
    ['is right', ran, null],
    ['is wrong', { ...ran, maxDifference: 0.05 }, 'EP_WRONG'],
    ['gives no numbers', { ...ran, maxDifference: Number.MAX_VALUE, isFinite: false }, 'EP_NAN'],
    ['is slower than the CPU', { ...ran, providerMs: 6481 }, 'EP_SLOW'],
  ])('one that %s', async (_what, report, code) => {
    const probe = await probeThat(`process.send(${JSON.stringify(report)}, () => process.exit(0));`);
    const { provider, rungs } = await ladderWith('webgpu', probe).resolve('auto', 'm');
    expect(rungs.find((rung) => rung.provider === 'webgpu')).toMatchObject({ taken: code === null, code: code ?? 'OK' });
    expect(provider).toBe(code === null ? 'webgpu' : 'cpu');
  });

  it.each([
    ['crashes', "process.kill(process.pid, 'SIGSEGV')", 'EP_CRASH', /crashed/],
    ['aborts', 'process.abort()', 'EP_CRASH', /crashed/],
    ['ends without a word', 'process.exit(3)', 'EP_CRASH', /crashed/],
    ['crashes and says why', "process.stderr.write('CUDA failure 700: an illegal memory access was encountered\\n', () => process.abort())", 'DEVICE_LOST', /gave up/],
    ['sends nonsense', "process.send({ kind: 'ran' }, () => process.exit(0))", 'EP_CRASH', /crashed/],
    ['hangs', 'setInterval(() => undefined, 1000)', 'EP_HANGS', /did not answer in 0\.4 s/],
    ['hangs in native code', 'for (;;);', 'EP_HANGS', /did not answer/],
  ])('one that %s', async (_what, script, code, says) => {
    const { provider, rungs } = await ladderWith('cuda', await probeThat(script, code === 'EP_HANGS' ? 400 : undefined)).resolve('auto', 'm');
    expect(rungs[0]).toMatchObject({ provider: 'cuda', taken: false, code, reason: expect.stringMatching(says) as unknown });
    expect(provider).toBe('webgpu');
  });
});

interface Simulated {
  /** Of the model: its folder's name. */
  readonly part: string;
  readonly when: 'load' | 'run' | 'second run' | 'wrong';
  readonly text: string;
  readonly choice?: ProviderChoice;
}

/** Two runs on a WebGPU device that runs on the CPU and fails as told. */
async function runOn({ part, when, text, choice = 'auto' }: Simulated, cacheFolder: string | null = null, modelFolder = model) {
  const messages: EngineMessage[] = [];
  const opened: string[] = [];
  const devices = new Providers({
    platform: 'linux',
    arch: 'x64',
    cacheFolder,
    key: 'this machine',
    probe: (provider) => Promise.resolve(provider === 'webgpu' ? null : explainFailure(provider, 'CUDA failure 100')),
    onChange: (device) => messages.push({ kind: 'device', ...device }),
  });
  const engine = new Engine({
    emit: (message) => messages.push(message),
    devices,
    openSession: async (file, provider) => {
      const isBad = provider === 'webgpu' && file.includes(`/${part}/`);
      opened.push(`${provider} ${file.split('/').at(-2) ?? ''}`);
      if (isBad && when === 'load') throw loadError(file, new Error(text), provider);
      const session = await openSession(file, 'cpu');
      let runs = 0;
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        release: () => session.release(),
        run: async (feeds) => {
          runs++;
          if (isBad && (when === 'run' || (when === 'second run' && runs > 1))) throw runError(file, new Error(text), provider);
          const results = await session.run(feeds);
          if (!isBad || when !== 'wrong') return results;
          return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, mapTensor(value, (x) => x + 5)]));
        },
      };
    },
  });
  for (const jobId of ['first', 'second']) {
    await engine.generate({ kind: 'generate', jobId, request: tinyRequest, inputs: null, modelFolder, provider: choice, ...plainUse, previewMode: 'off', paceMs: 0 });
  }
  const ends = messages.filter((message) => message.kind === 'finished' || message.kind === 'failed');
  const told = ofKind(messages, 'device');
  const lastRungs = told.at(-1)?.rungs ?? [];
  return { ends, told, lastRungs, opened, images: ofKind(messages, 'finished').map((message) => message.images[0]?.rgb) };
}

const oom = 'vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY';
const noF16 = 'Program Transpose requires f16 but the device does not support it.';

it.each([
  ['/m/vae_decoder/model.onnx', 'vae_decoder', true],
  ['/m/text_encoder_2/model_fp16.onnx', 'text_encoder_2', true],
  ['/m/vae_encoder.onnx', 'vae_encoder', true],
  ['/m/unet/model.onnx', 'unet', false],
  ['/m/unet.onnx', 'unet', false],
  ['/m/other/x.onnx', null, false],
])('%s is the part %s', (file, part, moves) => {
  expect([partName(file), mayMove(file)]).toEqual([part, moves]);
});

describe('a device that fails with a model', () => {
  it.each<[Simulated, string]>([
    [{ part: 'text_encoder', when: 'load', text: noF16 }, 'NO_F16'],
    [{ part: 'vae_decoder', when: 'load', text: oom }, 'OOM'],
    [{ part: 'vae_decoder', when: 'run', text: oom }, 'OOM'],
    [{ part: 'vae_decoder', when: 'second run', text: noF16 }, 'NO_F16'],
    [{ part: 'vae_decoder', when: 'wrong', text: '' }, 'EP_WRONG'],
  ])('%o: only that part goes to the CPU, and the page is told', async (simulated, code) => {
    const { ends, told, lastRungs, images } = await runOn(simulated);
    expect(ends.map((end) => (end.kind === 'finished' ? end.trace.provider : end.failure))).toEqual(['webgpu', 'webgpu']);
    expect(told.at(-1)?.provider).toBe('webgpu');
    expect(lastRungs).toContainEqual(expect.objectContaining({ provider: 'webgpu', part: simulated.part, taken: false, code }));
    expect(lastRungs.filter((rung) => rung.part !== undefined)).toHaveLength(1);
    const cpu = await runOn({ part: 'none', when: 'load', text: '' });
    expect(images).toEqual(cpu.images);
  });

  it.each<Simulated>([
    { part: 'unet', when: 'load', text: oom },
    { part: 'unet', when: 'load', text: 'Buffer size (536870912) exceeds the max buffer size limit (268435456).' },
    { part: 'unet', when: 'wrong', text: '' },
  ])('%o: without its UNet there the whole model goes to the next device', async (simulated) => {
    const { ends, told } = await runOn(simulated);
    expect(ends.map((end) => (end.kind === 'finished' ? end.trace.provider : end.failure))).toEqual(['cpu', 'cpu']);
    const codes = told.at(-1)?.rungs.map((rung) => `${rung.provider} ${rung.code}`);
    expect(codes?.[0]).toBe('cuda NO_GPU');
    expect(codes?.[1]).toMatch(/^webgpu (?:OOM|GPU_LIMIT|EP_WRONG)$/);
    expect(codes?.[2]).toBe('cpu OK');
  });

  it('out of memory of the UNet at a run is told as that, and nothing is chosen behind the back', async () => {
    const { ends } = await runOn({ part: 'unet', when: 'second run', text: oom });
    expect(ends[0]).toMatchObject({ kind: 'failed', failure: { code: 'OUT_OF_MEMORY' } });
  });

  it.each<Simulated>([
    { part: 'vae_decoder', when: 'load', text: noF16, choice: 'webgpu' },
    { part: 'vae_decoder', when: 'wrong', text: '', choice: 'webgpu' },
  ])('chosen by name no part is moved: %o', async (simulated) => {
    const { ends, opened } = await runOn(simulated);
    expect(ends.map(({ kind }) => kind)).toEqual(['failed', 'failed']);
    expect(ends[0]).toMatchObject({ failure: { code: 'PROVIDER_UNAVAILABLE', nextStep: expect.stringContaining('Automatic') as unknown } });
    expect(opened.filter((item) => item === 'cpu vae_decoder').length).toBe(simulated.when === 'wrong' ? 2 : 0);
  });

  it('a device that is gone is gone for every part', async () => {
    const { ends } = await runOn({ part: 'vae_decoder', when: 'second run', text: 'VK_ERROR_DEVICE_LOST' });
    expect(ends[0]).toMatchObject({ kind: 'failed', failure: { code: 'PROVIDER_UNAVAILABLE', message: expect.stringContaining('gave up') as unknown } });
  });

  it('a damaged file is the file, not the device', async () => {
    const damaged = await writeTinyModel();
    await writeFile(join(damaged, 'vae_decoder', 'model.onnx'), 'damaged');
    const { ends, lastRungs } = await runOn({ part: 'none', when: 'load', text: '' }, null, damaged);
    expect(ends[0]).toMatchObject({ kind: 'failed', failure: { code: 'MODEL_BAD', message: expect.stringContaining(join('vae_decoder', 'model.onnx')) as unknown } });
    expect(lastRungs.filter((rung) => rung.part !== undefined)).toEqual([]);
    await rm(damaged, { recursive: true });
  });

  it('wrong results of a part are remembered over a restart, want of memory is not', async () => {
    const cache = await mkdtemp(join(folder, 'cache-'));
    await runOn({ part: 'vae_decoder', when: 'wrong', text: '' }, cache);
    const again = await runOn({ part: 'none', when: 'load', text: '' }, cache);
    expect(again.opened).toEqual(['webgpu text_encoder', 'webgpu unet', 'cpu vae_decoder']);
    expect(again.lastRungs).toContainEqual(expect.objectContaining({ part: 'vae_decoder', code: 'EP_WRONG' }));
    const other = await mkdtemp(join(folder, 'cache-'));
    await runOn({ part: 'vae_decoder', when: 'load', text: oom }, other);
    expect((await runOn({ part: 'none', when: 'load', text: '' }, other)).opened).toContain('webgpu vae_decoder');
  });
});
