import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openSession, runtimeVersion } from '../../electron/engine/ort/session.ts';
import { feedsOf } from '../../electron/engine/ort/selfTest.ts';
import { relativeDifference } from '../../electron/engine/pipelines/verify.ts';
import { deviceName } from '../../electron/core/devices/deviceNames.ts';
import { type GenerationRequestInput, type ProviderId, providerIds } from '../../shared/generation.ts';
import { median, sum } from '../bench/stats.ts';
import { type DeviceRun, EngineClient, pictureDifference, root } from './engineClient.ts';

/**
 * Measures a device with the engine: `node e2e/devices/gpu.ts --provider cuda [--model FOLDER ...] [--rounds 5] [--steps 20]`. The
 * built-in model is always measured; further folders are full-size models (`e2e/fullsize/make.py` writes them) or models of the person's
 * own. On the CPU it is a rehearsal: every figure is made the same way, and the comparison has to come out as equal.
 *
 * Per model: largest difference of a UNet call to the CPU, milliseconds of a raw `session.run` for a batch of 1 and of 2, milliseconds of a
 * guided and an unguided step in the engine, what ending the guidance after 40 % of the steps saves, what the engine adds to the raw
 * calls, and how far a whole picture is from the CPU's.
 */
const { values } = parseArgs({
  options: {
    provider: { type: 'string', default: 'cpu' },
    model: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '20' },
    'cpu-steps': { type: 'string', default: '2' },
    out: { type: 'string', default: 'test-results/gpu.json' },
  },
});

const provider = providerIds.find((id) => id === values.provider);
if (provider === undefined) {
  console.error(`--provider: one of ${providerIds.join(', ')}`);
  process.exit(2);
}
const rounds = Number(values.rounds);

/** NVIDIA's and DirectML's own matrix units round to 10 bits (TF32) or 11 (half precision). */
const tolerance = 0.02;

function sampleSize(folder: string): number {
  const config = JSON.parse(readFileSync(path.join(folder, 'unet/config.json'), 'utf8')) as { sample_size?: number };
  return config.sample_size ?? 64;
}

async function callMs(run: () => Promise<unknown>): Promise<number> {
  await run();
  await run();
  const times: number[] = [];
  for (let round = 0; round < 2 * rounds; round++) {
    const begun = performance.now();
    await run();
    times.push(performance.now() - begun);
  }
  return median(times);
}

/** The UNet without the engine around it. Sessions are released before the engine loads its own. */
async function rawCalls(folder: string, on: ProviderId) {
  const file = path.join(folder, 'unet/model.onnx');
  const side = sampleSize(folder);
  const cpu = await openSession(file, 'cpu');
  const wanted = await cpu.run(feedsOf(cpu.inputs, 1, Math.min(side, 32)));
  await cpu.release();
  const begun = performance.now();
  const session = await openSession(file, on);
  const loadMs = performance.now() - begun;
  const actual = await session.run(feedsOf(session.inputs, 1, Math.min(side, 32)));
  const difference = Math.max(
    ...Object.entries(wanted).map(([name, value]) => {
      const here = actual[name];
      return here === undefined ? Number.POSITIVE_INFINITY : relativeDifference(here, value);
    }),
  );
  const one = feedsOf(session.inputs, 1, side);
  const two = feedsOf(session.inputs, 2, side);
  const firstBegun = performance.now();
  await session.run(one);
  const firstCallMs = performance.now() - firstBegun;
  const oneMs = await callMs(() => session.run(one));
  const twoMs = await callMs(() => session.run(two));
  await session.release();
  return { difference, loadMs, firstCallMs, oneMs, twoMs, twoOverOne: twoMs / oneMs };
}

function request(folder: string, change: Partial<GenerationRequestInput>): GenerationRequestInput {
  const side = sampleSize(folder) * 8;
  return {
    task: 'text-to-image',
    modelId: 'measured',
    prompt: 'a red house under a night sky with a moon',
    negativePrompt: null,
    width: side,
    height: side,
    steps: Number(values.steps),
    guidanceScale: 5,
    guidanceEnd: { kind: 'never' },
    scheduler: 'euler',
    seed: '7',
    ...change,
  } as GenerationRequestInput;
}

const cutoff = { guidanceEnd: { kind: 'ratio', ratio: 0.4 } } as const;
const denoiseMs = (runs: readonly DeviceRun[]): number => median(runs.map(({ trace }) => sum(trace.steps.map((step) => step.ms))));
/** The first step of a run may still warm the device for the size. */
const stepMs = (runs: readonly DeviceRun[], guided: boolean): number =>
  median(runs.flatMap(({ trace }) => trace.steps.filter((step) => step.guided === guided && step.stepIndex > 0).map((step) => step.ms)));

async function measureModel(folder: string, on: ProviderId) {
  const raw = await rawCalls(folder, on);
  const engine = new EngineClient();
  try {
    const few = { steps: Number(values['cpu-steps']) };
    // A model of its own for the CPU afterwards: two large ones would not fit beside each other.
    const first = await engine.run(request(folder, few), folder, on);
    await engine.run(request(folder, { ...cutoff }), folder, on);
    const full: DeviceRun[] = [];
    const cut: DeviceRun[] = [];
    for (let round = 0; round < rounds; round++) {
      full.push(await engine.run(request(folder, { seed: String(round) }), folder, on));
      cut.push(await engine.run(request(folder, { ...cutoff, seed: String(round) }), folder, on));
    }
    const guidedMs = stepMs(full, true);
    const unguidedMs = stepMs(cut, false);
    const onCpu = await engine.run(request(folder, few), folder, 'cpu');
    const picture = pictureDifference(first.image, onCpu.image);
    return {
      model: path.basename(folder),
      side: sampleSize(folder) * 8,
      provider: full[0]?.trace.provider ?? null,
      rungs: first.device.rungs,
      raw,
      loadMs: first.trace.timingsMs.load,
      guidedStepMs: guidedMs,
      unguidedStepMs: unguidedMs,
      // A guided step is one call of two or two of one, whichever is faster.
      guidedStepOverRaw: guidedMs / Math.min(raw.twoMs, 2 * raw.oneMs),
      unguidedStepOverRaw: unguidedMs / raw.oneMs,
      sessionRunShare: median(full.map(({ trace }) => trace.timingsMs.sessionRun / (trace.timingsMs.textEncode + trace.timingsMs.denoise + trace.timingsMs.decode))),
      decodeMs: median(full.map(({ trace }) => trace.timingsMs.decode)),
      cutoffSaves: 1 - denoiseMs(cut) / denoiseMs(full),
      pictureDifference: picture,
    };
  } finally {
    engine.close();
  }
}

const results = [];
for (const folder of [path.join(root, 'assets/starter'), ...values.model.map((entry) => path.resolve(entry))]) {
  const figures = await measureModel(folder, provider);
  results.push(figures);
  console.log(JSON.stringify(figures, null, 2));
}
const passed = results.every((figures) => figures.provider === provider && figures.raw.difference <= (provider === 'cpu' ? 0 : tolerance) && (provider !== 'cpu' || figures.pictureDifference.max === 0));
const report = {
  machine: { cpu: os.cpus()[0]?.model ?? null, cores: os.cpus().length, device: await deviceName(provider), node: process.version, runtime: runtimeVersion },
  isRehearsal: provider === 'cpu',
  rounds,
  results,
  passed,
};
mkdirSync(path.dirname(values.out), { recursive: true });
writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`);
console.log(passed ? 'PASSED' : 'FAILED', values.out);
process.exit(passed ? 0 : 1);
