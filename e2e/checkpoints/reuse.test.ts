import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../electron/engine/engine.ts';
import { LoadedModel } from '../../electron/engine/loadedModel.ts';
import type { TwoBranchModel } from '../../electron/engine/guidance/twoBranches.ts';
import { openSession } from '../../electron/engine/ort/session.ts';
import { Residency } from '../../electron/engine/pipelines/residency.ts';
import { openPipeline } from '../../electron/engine/pipelines/registry.ts';
import { steadyTensor } from '../../electron/engine/pipelines/verify.ts';
import { createRig, ofKind, type Rig } from '../../electron/engine/testing/engineRig.ts';
import { writeTinyModel } from '../../electron/engine/testing/tinyModel.ts';
import { type Checkpoint, type EngineMessage, plainUse } from '../../shared/engineProtocol.ts';
import type { GenerationRequestInput } from '../../shared/generation.ts';
import type { Steering } from '../../shared/job.ts';
import { callOf, type LoraModel, makeLoraModel, runOf } from '../loras/rig.ts';
import { relative } from './draw.ts';

interface ReuseCase {
  readonly variant: 'sd1' | 'sdxl';
  readonly steps: number;
  readonly every: number;
  readonly guidance: number;
  /** [steps, 1, 4, 8, 8] */
  readonly latents: { readonly base64: string };
}

const { cases } = JSON.parse(readFileSync(fileURLToPath(new URL('fixtures/reuse.json', import.meta.url)), 'utf8')) as { readonly cases: readonly ReuseCase[] };

let models: Readonly<Record<ReuseCase['variant'], LoraModel>>;
beforeAll(async () => {
  models = { sd1: await makeLoraModel('sd1'), sdxl: await makeLoraModel('sdxl') };
});
afterAll(async () => {
  await models.sd1.remove();
  await models.sdxl.remove();
});

const everyThird = { kind: 'features', every: 3 } as const;
const rig = (): Rig => createRig(models.sd1.folder);
const viaJson = (checkpoint: Checkpoint): Checkpoint => JSON.parse(JSON.stringify(checkpoint)) as Checkpoint;
const latentsOf = (checkpoint: Checkpoint | undefined): Float32Array => Float32Array.from(Object.values(checkpoint?.latents.data ?? {}));
/** w: a whole step, s: one of the outermost layers alone. */
const patternOf = (messages: readonly EngineMessage[]): string => ofKind(messages, 'step').map(({ step }) => (step.reused === 'features' ? 's' : 'w')).join('');

/** One for several runs, of a model that is not there yet. */
function rigLater(variant: ReuseCase['variant'] = 'sd1'): Pick<Rig, 'generate'> {
  let made: Rig | null = null;
  return { generate: (...input) => (made ??= createRig(models[variant].folder)).generate(...input) };
}

/** A rig in which a person steers when a step with that index has come. */
function steeringRig(live: Readonly<Record<number, Steering>>, folder = models.sd1.folder): Rig {
  const steered = createRig(folder, (message) => {
    const steering = message.kind === 'step' ? live[message.step.stepIndex] : undefined;
    if (steering !== undefined) void steered.engine.handle({ kind: 'steer', jobId: 'job', steering });
  });
  return steered;
}

describe('numbers', () => {
  const shared = { sd1: rigLater('sd1'), sdxl: rigLater('sdxl') };
  it.each(cases)('$variant, $steps steps, a whole one of $every, scale $guidance: as diffusers at every step', async ({ variant, steps, every, guidance, latents }) => {
    const request = callOf({ steps, guidanceScale: guidance, reuse: { kind: 'features', every } });
    const { checkpoints } = await runOf(shared[variant], { request });
    const values = new Float32Array(Uint8Array.from(Buffer.from(latents.base64, 'base64')).buffer);
    expect(checkpoints).toHaveLength(steps);
    const size = values.length / steps;
    for (const [index, checkpoint] of checkpoints.entries()) {
      expect(relative(checkpoint.latents.data, values.subarray(index * size, (index + 1) * size)), `after step ${index}`).toBeLessThanOrEqual(1e-4);
    }
    // It is another picture than that of whole steps.
    const plain = await runOf(shared[variant], { request: callOf({ steps, guidanceScale: guidance }) });
    expect(relative(latentsOf(plain.checkpoints.at(-1)), values.subarray(-size))).toBeGreaterThan(1e-3);
  });

  it.each(['sd1', 'sdxl'] as const)('%s: features of the same call give the very same answer', async (variant) => {
    const residency = new Residency();
    const { branches, noiseModel, release } = await openPipeline({ folder: models[variant].folder, onPart: () => undefined, residency, openSession: (file) => openSession(file, 'cpu') });
    if (branches === undefined) throw new Error('no branches');
    const [width, pooled] = variant === 'sd1' ? [64, null] : [192, steadyTensor([2, 96])];
    const condition = { promptEmbeds: steadyTensor([2, 77, width]), pooled, timeIds: pooled === null ? null : steadyTensor([2, 6]) };
    const call: Parameters<TwoBranchModel['whole']> = [steadyTensor([2, 4, 8, 8]), 321, condition, { mask: null, maskedImageLatents: null, timestepCond: null }];
    const { output, features } = await branches.whole(...call);
    expect(features.dims).toEqual([2, 32, 8, 8]);
    expect(output).toEqual(await noiseModel(...call));
    expect((await branches.shallow(features, ...call)).data).toEqual(output.data);
    // Of another time they are no more than near.
    const [sample, , ...rest] = call;
    const [later, kept] = [await noiseModel(sample, 301, ...rest), await branches.shallow(features, sample, 301, ...rest)];
    expect(relative(kept.data, later.data)).toBeGreaterThan(1e-6);
    expect(kept.data).not.toEqual(output.data);
    await release();
  });
});

describe('which steps are whole', () => {
  const patterns: readonly [string, Partial<GenerationRequestInput>, string][] = [
    ['every third, and the last', { steps: 9 }, 'wsswsswsw'],
    ['unguided', { steps: 8, guidanceScale: 1 }, 'wsswssww'],
    ['guidance that ends', { steps: 9, guidanceEnd: { kind: 'guided-steps', steps: 2 } }, 'wswsswssw'],
    ['guidance that begins', { steps: 9, guidanceCurve: { kind: 'list', scales: [1, 1, 5] } }, 'wswsswssw'],
    ['a scale that falls', { steps: 6, guidanceCurve: { kind: 'linear', to: 3 } }, 'wsswsw'],
    ['another prompt by its schedule', { steps: 8, prompt: '[a red house:a moon:0.5]' }, 'wsswswsw'],
    ['a steered scale', { steps: 8, steering: [{ afterStep: 3, steering: { guidanceScale: 3 } }] }, 'wsswwssw'],
    ['steered away and back', { steps: 9, steering: [{ afterStep: 1, steering: { reuse: { kind: 'none' } } }, { afterStep: 4, steering: { reuse: { kind: 'features', every: 2 } } }] }, 'wswwwwsww'],
    ['new noise alone', { steps: 6, steering: [{ afterStep: 0, steering: { noiseSeed: '9' } }] }, 'wsswsw'],
  ];
  const shared = rigLater();
  it.each(patterns)('%s', async (_, change, pattern) => {
    const { messages } = await runOf(shared, { request: callOf({ reuse: everyThird, ...change }) });
    expect(patternOf(messages)).toBe(pattern);
  });

  it('counts whole ones, and calls those of the outermost layers neither whole nor saved', async () => {
    const { messages } = await runOf(shared, { request: callOf({ steps: 9, reuse: everyThird, guidanceEnd: { kind: 'guided-steps', steps: 6 } }) });
    const steps = ofKind(messages, 'step').map(({ step }) => step);
    expect(steps.map(({ unetEvaluations }) => unetEvaluations)).toEqual([2, 0, 0, 2, 0, 0, 1, 0, 1]);
    // Against 18: three steps without a guided half.
    expect(ofKind(messages, 'finished')[0]?.trace).toMatchObject({ unetEvaluationsTotal: 6, unetEvaluationsSaved: 3 });
    expect(steps[1]?.guidanceCosine).not.toBeNull();
  });

  it('a stop in between is a stop', async () => {
    const stopping = createRig(models.sd1.folder, (message) => {
      if (message.kind === 'step' && message.step.stepIndex === 1) void stopping.engine.handle({ kind: 'stop', jobId: 'job' });
    });
    const { messages } = await runOf(stopping, { request: callOf({ steps: 9, reuse: everyThird }) });
    expect(messages.at(-1)).toMatchObject({ kind: 'stopped', trace: { stepsDone: 2 } });
  });
});

describe('a run goes on bit by bit the same, in a new engine, after any step', () => {
  const fade = { kind: 'points' as const, points: [{ at: 0, strength: 1 }, { at: 1, strength: 0 }] };
  const runs: readonly [string, Partial<GenerationRequestInput>][] = [
    ['guided', { guidanceScale: 5 }],
    ['unguided', { guidanceScale: 1 }],
    ['several pictures, a multistep scheduler', { scheduler: 'dpmpp_2m', imagesPerPrompt: 2 }],
    ['two halves a step', { scheduler: 'heun', steps: 5 }],
    ['guidance that ends', { guidanceEnd: { kind: 'guided-steps', steps: 5 } }],
    ['a prompt with a schedule', { prompt: '[a red house:a moon:0.5]' }],
    ['a LoRA whose strength follows a curve', { loras: [{ name: 'kohya', strength: 0.8, curve: fade }] }],
    ['steered into it', { reuse: { kind: 'none' }, steering: [{ afterStep: 1, steering: { reuse: everyThird } }] }],
  ];
  const first = rigLater();
  it.each(runs)('%s', async (_, change) => {
    const request = callOf({ steps: 8, reuse: everyThird, ...change });
    const loras = request.loras.flatMap(({ name }) => models.sd1.loras[name] ?? []);
    const { checkpoints, messages } = await runOf(first, { request, loras });
    const pattern = patternOf(messages);
    expect(pattern).toContain('s');
    const other = rig();
    for (const [index, from] of checkpoints.slice(0, -1).entries()) {
      const rest = await runOf(other, { request, loras, from: viaJson(from) });
      expect(patternOf(rest.messages)).toBe(pattern.slice(index + 1));
      expect(latentsOf(rest.checkpoints.at(-1)), `after step ${index}`).toEqual(latentsOf(checkpoints.at(-1)));
      expect(ofKind(rest.messages, 'finished')[0]?.images).toEqual(ofKind(messages, 'finished')[0]?.images);
      // What a checkpoint has no features of is run again, and counted.
      const first = ofKind(rest.messages, 'step')[0]?.step;
      if (first?.reused === 'features') expect(first.unetEvaluations).toBe(first.guided ? 2 : 1);
    }
  });

  it('and its checkpoints have no features', async () => {
    const size = (checkpoint: Checkpoint | undefined): number => JSON.stringify(checkpoint?.stepper ?? null).length;
    const [plain, reusing] = [await runOf(first, { request: callOf({ steps: 6 }) }), await runOf(first, { request: callOf({ steps: 6, reuse: everyThird }) })];
    const latents = JSON.stringify(reusing.checkpoints[0]?.latents).length;
    // The latents the next step's features came from; where the next is a whole one, nothing.
    expect(size(reusing.checkpoints[0]) - size(plain.checkpoints[0])).toBeLessThan(1.2 * latents);
    expect(size(reusing.checkpoints[2]) - size(plain.checkpoints[2])).toBeLessThan(20);
  });

  it('steered live and replayed from its log', async () => {
    const live = steeringRig({ 1: { reuse: everyThird }, 5: { reuse: { kind: 'features', every: 2 } }, 8: { reuse: { kind: 'none' } } });
    const { messages, checkpoints } = await runOf(live, { request: callOf({ steps: 12 }) });
    const steering = ofKind(messages, 'steered').map(({ steering: done, afterStep }) => ({ afterStep, steering: done }));
    expect(steering).toHaveLength(3);
    expect(patternOf(messages)).toContain('ws');
    const replay = await runOf(rig(), { request: callOf({ steps: 12, steering }) });
    expect(patternOf(replay.messages)).toBe(patternOf(messages));
    expect(latentsOf(replay.checkpoints.at(-1))).toEqual(latentsOf(checkpoints.at(-1)));
  });
});

describe('what is on the disk and in memory', () => {
  it('the outermost layers are a graph of their own, over the same weights', async () => {
    for (const { folder } of Object.values(models)) {
      const [whole, shallow] = ['unet', 'unet_shallow'].map((part) => path.join(folder, part));
      expect((await readdir(shallow ?? '')).sort()).toEqual(['model.onnx', 'weights.safetensors']);
      const [a, b] = [await stat(path.join(whole ?? '', 'weights.safetensors')), await stat(path.join(shallow ?? '', 'weights.safetensors'))];
      expect([a.ino, a.dev]).toEqual([b.ino, b.dev]);
      expect((await stat(path.join(shallow ?? '', 'model.onnx'))).size).toBeLessThan(60_000);
    }
  });

  it('are opened at the first step that needs them, once, with the strengths of LoRAs', async () => {
    const opened: string[] = [];
    const messages: EngineMessage[] = [];
    const engine = new Engine({
      emit: (message) => messages.push(message),
      openSession: (file) => {
        opened.push(path.basename(path.dirname(file)));
        return openSession(file, 'cpu');
      },
      devices: { resolve: () => Promise.resolve({ provider: 'cpu', rungs: [] }), reject: () => undefined, isVerified: () => Promise.resolve(true), setVerified: () => Promise.resolve() },
    });
    const run = (change: Partial<GenerationRequestInput>) =>
      engine.generate({ kind: 'generate', jobId: 'j', request: callOf(change), inputs: null, modelFolder: models.sd1.folder, provider: 'cpu', ...plainUse, previewMode: 'off', paceMs: 0 });
    await run({});
    expect(opened).not.toContain('unet_shallow');
    await run({ reuse: everyThird });
    await run({ reuse: everyThird });
    expect(opened.filter((part) => part === 'unet_shallow')).toHaveLength(1);
    expect(ofKind(messages, 'finished')).toHaveLength(3);
  });

  it('are compared with the CPU on another device, before they are used', async () => {
    const passed: string[] = [];
    const residency = new Residency();
    const pipeline = await openPipeline({
      folder: models.sdxl.folder,
      onPart: () => undefined,
      residency,
      openSession: (file) => openSession(file, 'cpu'),
      verification: {
        isNeeded: (key) => Promise.resolve(!passed.includes(key)),
        onPassed: (key) => Promise.resolve(void passed.push(key)),
        openReference: (file) => openSession(file, 'cpu'),
      },
    });
    expect(passed).toEqual([pipeline.modelHash]);
    const condition = { promptEmbeds: steadyTensor([1, 77, 192]), pooled: steadyTensor([1, 96]), timeIds: steadyTensor([1, 6]) };
    await pipeline.branches?.shallow(steadyTensor([1, 32, 8, 8]), steadyTensor([1, 4, 8, 8]), 1, condition, { mask: null, maskedImageLatents: null, timestepCond: null });
    expect(passed).toEqual([pipeline.modelHash, `${pipeline.modelHash}-unet_shallow`]);
    await pipeline.release();
  });

  it('are foreseen where a run asks for them', async () => {
    const model = new LoadedModel({
      emit: () => undefined,
      openSession: (file) => openSession(file, 'cpu'),
      devices: { resolve: () => Promise.resolve({ provider: 'cpu', rungs: [] }), reject: () => undefined, isVerified: () => Promise.resolve(true), setVerified: () => Promise.resolve() },
    });
    const partsOf = async (change: Partial<GenerationRequestInput>) =>
      (await model.forecast({ modelFolder: models.sd1.folder, provider: 'cpu', ...plainUse }, callOf(change))).parts;
    expect((await partsOf({})).map(({ part }) => part)).not.toContain('unet_shallow');
    const [unet, shallow] = (await partsOf({ reuse: everyThird })).filter(({ part }) => part.startsWith('unet'));
    expect(shallow?.part).toBe('unet_shallow');
    expect(shallow?.weightBytes).toBeGreaterThan(0);
    expect(shallow?.weightBytes).toBeLessThan((unet?.weightBytes ?? 0) / 5);
    expect(shallow?.workBytes).toBeLessThan(unet?.workBytes ?? 0);
  });

  it('the doctor runs them, too', async () => {
    const examining = rig();
    await examining.engine.handle({ kind: 'examine', requestId: 'r', modelFolder: models.sdxl.folder, provider: 'cpu' });
    const report = ofKind(examining.messages, 'examined')[0]?.report;
    expect(report).toMatchObject({ usable: true });
    expect(report?.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(report?.findings.find(({ part }) => part === 'unet_shallow')).toMatchObject({ code: 'PART_FINE' });
  });
});

describe('a model whose graphs were made elsewhere', () => {
  const refusal = { code: 'INVALID_INPUT', field: 'reuse', message: expect.stringContaining('made elsewhere') as unknown };

  it('is refused in the request and in its log, before anything runs', async () => {
    const folder = await writeTinyModel();
    const plain = callOf({ reuse: everyThird, negativePrompt: null, prompt: 'a b' });
    for (const request of [plain, { ...plain, reuse: { kind: 'none' as const }, steering: [{ afterStep: 1, steering: { reuse: everyThird } }] }]) {
      const messages = await createRig(folder).generate({ request });
      expect(ofKind(messages, 'failed')[0]?.failure).toMatchObject(refusal);
      expect(ofKind(messages, 'step')).toEqual([]);
    }
  });

  it('refuses it live and goes on', async () => {
    const live = steeringRig({ 0: { reuse: everyThird } }, await writeTinyModel());
    const messages = await live.generate({ request: callOf({ negativePrompt: null, prompt: 'a b' }) });
    expect(ofKind(messages, 'steer-refused')[0]?.failure).toMatchObject(refusal);
    expect(ofKind(messages, 'finished')).toHaveLength(1);
  });
});
