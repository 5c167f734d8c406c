import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loraVariants } from '../../../e2e/loras/fixtures.ts';
import { callOf, type LoraModel, makeLoraModel } from '../../../e2e/loras/rig.ts';
import { type AdapterRef, plainUse } from '../../../shared/engineProtocol.ts';
import type { Forecast } from '../../../shared/models.ts';
import { usualVariant } from '../graph/graphVariant.ts';
import { folderInUse } from '../loras/openWithLoras.ts';
import { createRig, ofKind, type Rig } from '../testing/engineRig.ts';
import { adapterBytes } from './adapterSize.ts';
import { readModelSize } from './modelSize.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe.each(loraVariants)('LoRAs on %s', (variant) => {
  let model: LoraModel;
  let rig: Rig;
  beforeAll(async () => {
    model = await makeLoraModel(variant);
    rig = createRig(model.folder);
  });
  afterAll(() => model.remove());

  async function forecast(loras: readonly AdapterRef[]): Promise<Forecast> {
    const use = { modelFolder: model.folder, provider: 'cpu', ...plainUse, loras } as const;
    await rig.engine.handle({ kind: 'forecast', requestId: 'r', use, request: callOf() });
    const [made] = ofKind(rig.messages.splice(0), 'forecast-made');
    if (made === undefined) throw new Error('no forecast');
    return made.forecast;
  }
  const weights = ({ parts }: { readonly parts: readonly Pick<Forecast['parts'][number], 'part' | 'weightBytes'>[] }): Record<string, number> => Object.fromEntries(parts.map(({ part, weightBytes }) => [part, weightBytes]));

  it('are foreseen with the bytes that the graphs of their run hold, each once more where there are two', async () => {
    const [first, second] = Object.values(model.loras);
    if (first === undefined || second === undefined) throw new Error('too few LoRAs');
    const plain = await forecast([]);
    const one = await forecast([first]);
    const target = { device: 'cpu', variant: () => Promise.resolve(usualVariant('cpu')) } as const;
    const { folder } = await folderInUse({ modelFolder: model.folder, loras: [first], embeddings: [] }, target, () => undefined);
    const held = weights(await readModelSize(folder));
    const foreseen = weights(one);
    for (const [part, bytes] of Object.entries(weights(plain))) {
      expect(Math.abs((foreseen[part] ?? 0) - (held[part] ?? 0)), part).toBeLessThan(1024);
      if (part === 'unet') expect(foreseen[part]).toBeGreaterThan(bytes + 1024);
    }
    const [more, both] = [await adapterBytes([first]), await adapterBytes([first, second])];
    const alone = await adapterBytes([second]);
    for (const [part, bytes] of both) expect(bytes).toBe((more.get(part) ?? 0) + (alone.get(part) ?? 0));
    const needs = [plain, one, await forecast([first, second])].map(({ needBytes }) => needBytes);
    expect(needs).toEqual([...needs].sort((a, b) => a - b));
    expect(new Set(needs).size).toBe(3);
  });

  it('that cannot be read add nothing: their run is refused', async () => {
    const file = path.join(model.place, 'damaged.safetensors');
    await writeFile(file, 'damaged');
    expect(await forecast([{ name: 'damaged', file }])).toEqual({ ...(await forecast([])), freeBytes: expect.any(Number) as number });
  });
});
