import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRig, type Rig } from '../../electron/engine/testing/engineRig.ts';
import { relative } from '../checkpoints/draw.ts';
import { goldenFile, goldenLatents, layoutsOf, loraVariants } from './fixtures.ts';
import { callOf, drawn, type LoraModel, makeLoraModel } from './rig.ts';

// Whole models are opened and drawn with, several times a test.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

/** Pictures with LoRAs against diffusers' of the same files; see make_goldens.py. Nothing is random but the formula. */
const bar = 1e-4;
const merged = ['locon', 'tucker'];
/** What a LoRA that is left out would be off by, at least. */
const seen = 1e-2;

describe.each(loraVariants)('%s', (variant) => {
  let model: LoraModel;
  let rig: Rig;
  beforeAll(async () => {
    model = await makeLoraModel(variant);
    rig = createRig(model.folder);
  });
  afterAll(() => model.remove());

  const readable = layoutsOf(variant).filter((layout) => !merged.includes(layout));
  const expectGolden = (ours: Float32Array, name: string): void => {
    expect(relative(ours, goldenLatents(variant, name)), name).toBeLessThanOrEqual(bar);
  };

  // All with one LoRA stand together: the model is opened anew where the LoRAs are others.
  describe.each(readable)('%s', (name) => {
    it('at strengths, for the text encoders too', async () => {
      for (const strength of [1, 0.5, -0.7, 0]) {
        const ours = await drawn(model, callOf({ loras: [{ name, strength }] }), [name], rig);
        expectGolden(ours, `${name}:${String(strength)}`);
        if (strength !== 0) expect(relative(ours, goldenLatents(variant, 'none'))).toBeGreaterThan(seen);
      }
      expectGolden(await drawn(model, callOf({ loras: [{ name, strength: 0.8, textStrength: 0.2 }] }), [name], rig), `${name}:0.8:0.2`);
    });

    it('changed while the run goes on, and along a curve', async () => {
      const steering = [{ afterStep: goldenFile.liveStep, steering: { loras: [{ name, strength: 0.9 }] } }];
      expectGolden(await drawn(model, callOf({ loras: [{ name, strength: 0.3 }], steering }), [name], rig), `${name}:live`);
      const curve = { kind: 'points' as const, points: goldenFile.curve.map(([at, strength]) => ({ at, strength })) };
      expectGolden(await drawn(model, callOf({ loras: [{ name, strength: 0.6, curve }] }), [name], rig), `${name}:curve`);
    });
  });

  it.each(merged)('%s, held against its weights merged in', async (name) => {
    expectGolden(await drawn(model, callOf({ loras: [{ name, strength: 0.7 }] }), [name], rig), `${name}:0.7`);
  });

  it('two at once, one of them called by a tag', async () => {
    const [first = '', second = ''] = readable;
    const golden = `${first}:0.6 ${second}:-0.4`;
    const loras = [{ name: first, strength: 0.6 }, { name: second, strength: -0.4 }];
    expectGolden(await drawn(model, callOf({ loras }), [first, second], rig), golden);
    const prompt = `a red house under a night sky with a moon <lora:${second}:-0.4>`;
    expectGolden(await drawn(model, callOf({ loras: loras.slice(0, 1), prompt }), [first, second], rig), golden);
  });

  it('at zero it is the picture without, bit by bit', async () => {
    const without = await drawn(model, callOf(), [], rig);
    expect(relative(without, goldenLatents(variant, 'none'))).toBeLessThanOrEqual(bar);
    const names = layoutsOf(variant);
    const atZero = await drawn(model, callOf({ loras: names.map((name) => ({ name, strength: 0 })) }), names, rig);
    expect(Buffer.from(atZero.buffer).equals(Buffer.from(without.buffer))).toBe(true);
  });
});
