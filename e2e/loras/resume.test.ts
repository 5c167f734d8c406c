import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRig, ofKind, type Rig } from '../../electron/engine/testing/engineRig.ts';
import type { Checkpoint } from '../../shared/engineProtocol.ts';
import type { GenerationRequest, GenerationRequestInput } from '../../shared/generation.ts';
import { callOf, type LoraModel, makeLoraModel, runOf } from './rig.ts';

// Whole models are opened and drawn with, several times a test.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let model: LoraModel;
/** Runs what others are held against; opening a model with LoRAs takes longer than drawing with it. */
let first: Rig;
beforeAll(async () => {
  model = await makeLoraModel('sd1');
  first = createRig(model.folder);
});
afterAll(() => model.remove());

const lorasOf = (...names: string[]) => names.flatMap((name) => model.loras[name] ?? []);
const viaJson = (checkpoint: Checkpoint): Checkpoint => JSON.parse(JSON.stringify(checkpoint)) as Checkpoint;
const bytesOf = (checkpoint: Checkpoint | undefined): Buffer => Buffer.from(Float32Array.from(Object.values(checkpoint?.latents.data ?? {})).buffer);

const fade = { kind: 'points' as const, points: [{ at: 0, strength: 1 }, { at: 1, strength: 0 }] };
const requests: readonly [string, Partial<GenerationRequestInput>][] = [
  ['a curve', { loras: [{ name: 'kohya', strength: 0.8, curve: fade }] }],
  ['a change of the log', { loras: [{ name: 'kohya', strength: 0.3 }], steering: [{ afterStep: 2, steering: { loras: [{ name: 'kohya', strength: -0.6 }] } }] }],
  ['a curve begun in the log', { loras: [{ name: 'kohya', strength: 0 }], steering: [{ afterStep: 1, steering: { loras: [{ name: 'kohya', strength: 0.5, curve: fade }] } }] }],
  ['a change of the log, one LoRA by a tag', { prompt: 'a red house <lora:peft:0.4>', loras: [{ name: 'kohya', strength: 0.3 }], steering: [{ afterStep: 2, steering: { loras: [{ name: 'peft', strength: 0.1 }] } }] }],
];

describe('a run with LoRAs is the same, bit by bit', () => {
  it.each(requests)('gone on with from its steps, in a new engine: %s', async (_, change) => {
    const request = callOf({ steps: 5, scheduler: 'dpmpp_2m', ...change });
    const loras = lorasOf('kohya', 'peft');
    const { checkpoints } = await runOf(first, { request, loras });
    expect(checkpoints).toHaveLength(5);
    const other = createRig(model.folder);
    for (const index of [0, 2, 3]) {
      const from = checkpoints[index];
      if (from === undefined) throw new Error('no checkpoint');
      const rest = await runOf(other, { request, loras, from: viaJson(from) });
      expect(bytesOf(rest.checkpoints.at(-1)).equals(bytesOf(checkpoints.at(-1))), `after step ${String(index)}`).toBe(true);
    }
  });

  it('steered live and replayed from its log', async () => {
    const request = callOf({ steps: 6, loras: [{ name: 'kohya', strength: 0 }] });
    const loras = lorasOf('kohya');
    const rig = createRig(model.folder, (message) => {
      if (message.kind === 'step' && message.step.stepIndex === 2) void rig.engine.handle({ kind: 'steer', jobId: 'job', steering: { loras: [{ name: 'kohya', strength: 0.9 }] } });
    });
    const live = await runOf(rig, { request, loras });
    const steered = ofKind(live.messages, 'steered');
    expect(steered).toHaveLength(1);
    const log = live.checkpoints.at(-1)?.log ?? [];
    expect(log).toEqual([{ afterStep: steered[0]?.afterStep, steering: { loras: [{ name: 'kohya', strength: 0.9 }] } }]);
    const replay = await runOf(createRig(model.folder), { request: { ...request, steering: [...log] }, loras });
    expect(bytesOf(replay.checkpoints.at(-1)).equals(bytesOf(live.checkpoints.at(-1)))).toBe(true);
    // The run that was steered leaves nothing behind in the engine it was run by.
    const short = callOf({ steps: 2, loras: [{ name: 'kohya', strength: 0 }] });
    const again = await runOf(rig, { request: short, loras });
    const untouched = createRig(model.folder);
    const fresh = await runOf(untouched, { request: short, loras });
    const plain = await runOf(untouched, { request, loras });
    expect(bytesOf(plain.checkpoints.at(-1)).equals(bytesOf(live.checkpoints.at(-1)))).toBe(false);
    expect(bytesOf(again.checkpoints.at(-1)).equals(bytesOf(fresh.checkpoints.at(-1)))).toBe(true);
  });

  it('goes on when its LoRA lies elsewhere now, and not with another one', async () => {
    const request = callOf({ loras: [{ name: 'kohya', strength: 0.5 }] });
    const { checkpoints } = await runOf(createRig(model.folder), { request, loras: lorasOf('kohya') });
    const from = checkpoints[1];
    if (from === undefined) throw new Error('no checkpoint');
    const file = path.join(model.place, 'moved', 'sd1-kohya.safetensors');
    await mkdir(path.dirname(file));
    await copyFile(lorasOf('kohya')[0]?.file ?? '', file);
    const moved = await runOf(createRig(model.folder), { request, loras: [{ name: 'kohya', file }], from: viaJson(from) });
    expect(bytesOf(moved.checkpoints.at(-1)).equals(bytesOf(checkpoints.at(-1)))).toBe(true);
    const other = { name: 'kohya', file: lorasOf('peft')[0]?.file ?? '' };
    await expect(runOf(createRig(model.folder), { request, loras: [other], from: viaJson(from) })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a LoRA called by a prompt that is steered to', () => {
  const steering = [{ afterStep: 1, steering: { prompt: 'a blue house <lora:peft:0.7>' } }];
  it('acts from there on, also in a run begun without it', async () => {
    const plain = callOf({ prompt: 'a red house', steps: 5 });
    const { checkpoints } = await runOf(first, { request: plain });
    const from = checkpoints[1];
    if (from === undefined) throw new Error('no checkpoint');
    const without = await runOf(first, { request: { ...plain, steering: [{ afterStep: 1, steering: { prompt: 'a blue house' } }] } });
    const other = createRig(model.folder);
    const forked = await runOf(other, { request: { ...plain, steering }, loras: lorasOf('peft'), from: viaJson(from) });
    const whole = await runOf(other, { request: { ...plain, steering }, loras: lorasOf('peft') });
    expect(bytesOf(forked.checkpoints.at(-1)).equals(bytesOf(whole.checkpoints.at(-1)))).toBe(true);
    expect(bytesOf(whole.checkpoints[1]).equals(bytesOf(from))).toBe(true);
    expect(bytesOf(without.checkpoints.at(-1)).equals(bytesOf(whole.checkpoints.at(-1)))).toBe(false);
  });
});

describe('what cannot be done is said', () => {
  const refused = (request: GenerationRequest, names: readonly string[]) => runOf(first, { request, loras: lorasOf(...names) });

  it('a LoRA that the engine was not given, in the list, in a tag and while it goes on', async () => {
    await expect(refused(callOf({ loras: [{ name: 'kohya' }] }), [])).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'loras' });
    await expect(refused(callOf({ prompt: 'a <lora:kohya:1>' }), ['peft'])).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'loras' });
    for (const names of [[], ['peft']]) {
      const rig = createRig(model.folder, (message) => {
        if (message.kind === 'step' && message.step.stepIndex === 0) void rig.engine.handle({ kind: 'steer', jobId: 'job', steering: { loras: [{ name: 'kohya', strength: 1 }] } });
      });
      const { messages } = await runOf(rig, { request: callOf(), loras: lorasOf(...names) });
      expect(ofKind(messages, 'steer-refused')[0]?.failure).toMatchObject({ code: 'INVALID_INPUT', field: 'loras' });
      expect(ofKind(messages, 'steered')).toEqual([]);
      expect(ofKind(messages, 'finished')).toHaveLength(1);
    }
  });

  it('a model whose graphs were made elsewhere', async () => {
    const starter = path.resolve(import.meta.dirname, '../../assets/starter');
    await expect(runOf(createRig(starter), { request: callOf({ loras: [{ name: 'kohya' }] }), loras: lorasOf('kohya') })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'loras' });
  });
});
