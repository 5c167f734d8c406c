import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, layersByKey } from '../../electron/engine/graph/lora/layerNames.ts';
import { ldmLayerOf } from '../../electron/engine/graph/lora/ldmLayer.ts';
import type { CheckpointModel } from '../../electron/engine/graph/readers/checkpointModel.ts';
import { readSource } from '../../electron/engine/graph/readers/source.ts';
import { checkpointVariants, singleTensors, writeSingle } from '../checkpoints/fixtures.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-layers-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

describe.each(checkpointVariants)('the layers of %s', (variant) => {
  let model: CheckpointModel;
  beforeAll(async () => {
    ({ model } = await readSource(await writeSingle(variant, place), { vae: null, useEma: false }));
  });

  it('have the names that the file itself gives them', () => {
    const { layersPerBlock, transformerLayers } = model.unet.config;
    const prefix = 'model.diffusion_model.';
    const inFile = singleTensors(variant).flatMap(({ name }) => (name.startsWith(prefix) && name.endsWith('.weight') ? [name.slice(prefix.length, -'.weight'.length)] : []));
    const ours = [...model.unet.tensors.keys()].flatMap((name) => (name.endsWith('.weight') ? ldmLayerOf(name.slice(0, -'.weight'.length), layersPerBlock, transformerLayers) : []));
    expect(ours.sort()).toEqual(inFile.sort());
    for (const [name, { storedAs }] of model.unet.tensors) {
      if (!name.endsWith('.weight')) continue;
      expect(`${prefix}${ldmLayerOf(name.slice(0, -'.weight'.length), layersPerBlock, transformerLayers)[0] ?? ''}.weight`).toBe(storedAs);
    }
  });

  it('are told apart with underscores for dots, too', () => {
    const layers = layersByKey(model);
    const own = [...model.unet.tensors].filter(([name, { dims }]) => name.endsWith('.weight') && dims.length > 1).map(([name]) => name.slice(0, -'.weight'.length));
    for (const name of own) expect(layers.get(`unet/${keyOf(name)}`)?.name).toBe(name);
    const texts = model.text.flatMap(({ name: part, tensors }) => [...tensors].flatMap(([name, { dims }]) => (name.endsWith('_proj.weight') && dims.length > 1 ? [[part, name.slice(0, -'.weight'.length)] as const] : [])));
    expect(texts.length).toBeGreaterThan(0);
    for (const [part, name] of texts) expect(layers.get(`${part}/${keyOf(name)}`)?.name).toBe(name);
    for (const [part, name] of texts) expect(layers.get(`${part}/${keyOf(name.replace('text_model.', ''))}`)?.name).toBe(name);
  });
});
