import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createDevices } from '../../electron/core/devices/devices.ts';
import { runProbe } from '../../electron/engine/ort/probe.ts';
import { judge } from '../../electron/engine/ort/prober.ts';
import { feedsOf } from '../../electron/engine/ort/selfTest.ts';
import { openSession } from '../../electron/engine/ort/session.ts';
import { VerdictFile } from '../../electron/engine/ort/verdictFile.ts';
import { relativeDifference } from '../../electron/engine/pipelines/verify.ts';
import { forkEngine } from '../../electron/hosts/forkEngine.ts';
import { EngineClient, pictureDifference, root } from './engineClient.ts';

/**
 * `node e2e/devices/webgpu.ts`: WebGPU for real on a machine without a graphics card, through SwiftShader, the software Vulkan driver that
 * every Chromium brings. Compares every part of the built-in model and a whole picture with the CPU; takes some ten minutes on an idle machine, for a software
 * driver computes hundreds of times slower than the CPU does. `--real` uses the Vulkan drivers of the system instead.
 */
const { values } = parseArgs({
  options: { real: { type: 'boolean', default: false }, out: { type: 'string', default: 'test-results/webgpu.json' }, steps: { type: 'string', default: '2' } },
});

const places = [path.join(root, '.cache/chromium'), '/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome', path.join(root, 'node_modules/electron/dist')];

/** The loader reads its variables when the process starts. */
function startAgain(folder: string): never {
  const libraries = [folder, process.env['LD_LIBRARY_PATH'] ?? ''].filter((entry) => entry !== '').join(':');
  const env = { ...process.env, VK_DRIVER_FILES: path.join(folder, 'vk_swiftshader_icd.json'), LD_LIBRARY_PATH: libraries };
  const { status } = spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' });
  process.exit(status ?? 1);
}

if (!values.real && process.env['VK_DRIVER_FILES'] === undefined) {
  const folder = places.find((place) => existsSync(path.join(place, 'vk_swiftshader_icd.json')) && existsSync(path.join(place, 'libvulkan.so.1')));
  if (folder === undefined) {
    console.error(`No SwiftShader with a Vulkan loader beside it in:\n${places.join('\n')}\nThe browser specs put one into the first.`);
    process.exit(2);
  }
  startAgain(folder);
}

/** Share of the largest value; float32 kernels in another order of sums stay far below. */
const tolerance = 1e-3;
/** 8-bit levels. */
const pictureTolerance = 2;

const model = path.join(root, 'assets/starter');

async function comparePart(part: string, side: number) {
  const file = path.join(model, part, 'model.onnx');
  const [cpu, gpu] = [await openSession(file, 'cpu'), await openSession(file, 'webgpu')];
  const feeds = feedsOf(cpu.inputs, 1, side);
  const wanted = await cpu.run(feeds);
  const begun = performance.now();
  const actual = await gpu.run(feeds);
  const firstMs = performance.now() - begun;
  const again = performance.now();
  await gpu.run(feeds);
  const differences = Object.entries(wanted).map(([name, value]) => {
    const here = actual[name];
    return here === undefined ? Number.POSITIVE_INFINITY : relativeDifference(here, value);
  });
  await cpu.release();
  await gpu.release();
  return { part, side, difference: Math.max(...differences), firstMs, ms: performance.now() - again };
}

const probe = await runProbe('webgpu');
console.log('probe', JSON.stringify(probe), JSON.stringify(judge('webgpu', probe, '')));
if (probe.kind === 'failed') process.exit(1);

const parts = [];
for (const part of ['text_encoder', 'unet', 'vae_decoder']) {
  const compared = await comparePart(part, 8);
  parts.push(compared);
  console.log(JSON.stringify(compared));
}

const request = {
  task: 'text-to-image',
  modelId: 'starter',
  prompt: 'a red house under a night sky with a moon',
  negativePrompt: null,
  width: 64,
  height: 64,
  steps: Number(values.steps),
  guidanceScale: 4,
  guidanceEnd: { kind: 'never' },
  scheduler: 'euler',
  seed: '7',
} as const;
// The probe above is the engine's own; with its limit of seconds a software driver on a busy machine may count as hanging.
const cache = mkdtempSync(path.join(os.tmpdir(), 'stopbath-webgpu-'));
await new VerdictFile(cache).save({ verdicts: { webgpu: null }, verified: [], moved: {} });
const engine = new EngineClient({ STOPBATH_CACHE_DIR: cache });
const onCpu = await engine.run(request, model, 'cpu');
const onGpu = await engine.run(request, model, 'webgpu');
engine.close();

// What the Device panel's button does, in its process of its own.
const devices = createDevices({
  startEngine: () => forkEngine(path.join(root, 'electron/engine/process.ts'), cache, path.join(root, 'assets')),
  modelFolder: model,
  dataFolder: cache,
  door: { fetch: () => Promise.reject(new Error('Nothing is fetched here.')) },
  onChange: () => undefined,
  onNotice: () => undefined,
  selfTestLimitMs: 900_000,
});
const selfTest = await devices.test('webgpu');
console.log('self-test', JSON.stringify(selfTest));
rmSync(cache, { recursive: true });
const picture = pictureDifference(onCpu.image, onGpu.image);
const isRight = (selfTest.state === 'works' || selfTest.state === 'slow') && selfTest.difference !== null && selfTest.difference <= tolerance;
const passed = isRight && parts.every(({ difference }) => difference <= tolerance) && picture.max <= pictureTolerance && onGpu.trace.provider === 'webgpu';
const figures = { driver: process.env['VK_DRIVER_FILES'] ?? 'system', probe, parts, picture, selfTest, provider: onGpu.trace.provider, stepMs: onGpu.trace.steps.map(({ ms }) => Math.round(ms)), passed };
mkdirSync(path.dirname(values.out), { recursive: true });
writeFileSync(values.out, `${JSON.stringify(figures, null, 2)}\n`);
console.log('picture', JSON.stringify(picture), 'steps', figures.stepMs.join(' '), 'ms', passed ? 'PASSED' : 'FAILED');
process.exit(passed ? 0 : 1);
