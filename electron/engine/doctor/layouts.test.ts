import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { layoutFolder, layoutVariants } from '../../../e2e/layouts/variants.ts';
import { tinyModelFolder, type TinyVariant } from '../../../e2e/parity/tiny/folder.ts';
import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import { createRig, ofKind, type Rig, tinyRequest } from '../testing/engineRig.ts';

// DDIM's four timesteps are whole and exact in half precision: an export that cuts or rounds them draws the same.
const request = parseGenerationRequest({ ...tinyRequest, prompt: 'a house by the sea', steps: 4, scheduler: 'ddim', imagesPerPrompt: 2 });

async function draw(rig: Rig): Promise<readonly RgbImage[]> {
  const messages = await rig.generate({ request });
  const failure = ofKind(messages, 'failed')[0]?.failure;
  if (failure !== undefined) throw new Error(`${failure.message} ${failure.detail ?? ''}`);
  return ofKind(messages, 'finished')[0]?.images ?? [];
}

const standards = new Map<TinyVariant, Promise<readonly RgbImage[]>>();

function standardPicture(from: TinyVariant): Promise<readonly RgbImage[]> {
  const known = standards.get(from) ?? tinyModelFolder(from).then((folder) => draw(createRig(folder)).finally(() => rm(folder, { recursive: true })));
  standards.set(from, known);
  return known;
}

/** Differences of two pictures in 8-bit steps. */
function differences(one: RgbImage | undefined, other: RgbImage | undefined): number[] {
  expect(one?.rgb.length).toBe(other?.rgb.length);
  return Array.from(one?.rgb ?? [], (value, index) => Math.abs(value - (other?.rgb[index] ?? Infinity)));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the same model in another layout', () => {
  it.each(layoutVariants.map((variant) => [variant.name, variant] as const))('%s: draws the same picture, and the doctor says what it saw', async (_, variant) => {
    const folder = await layoutFolder(variant);
    const rig = createRig(folder);
    const [wanted, drawn] = [await standardPicture(variant.from), await draw(rig)];
    expect(drawn).toHaveLength(2);
    expect(Math.max(...differences(drawn[0], drawn[1]))).toBeGreaterThan(20);
    for (const [index, image] of drawn.entries()) {
      const seen = differences(image, wanted[index]);
      expect(Math.max(...seen)).toBeLessThanOrEqual(variant.tolerance ?? 0);
      // Rounding, and not another picture.
      expect(mean(seen)).toBeLessThan(1);
    }

    await rig.engine.handle({ kind: 'examine', requestId: 'q', modelFolder: folder, provider: 'cpu' });
    const report = ofKind(rig.messages, 'examined')[0]?.report;
    expect(report?.usable).toBe(true);
    expect(report?.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(report?.findings.map(({ code }) => code)).toEqual(expect.arrayContaining([...variant.findings]));
    // What was assumed is told with all names; what was not needed is not.
    const assumed = (report?.findings ?? []).filter(({ code }) => code.endsWith('_ASSUMED') || code === 'FOLDER_INSIDE' || code === 'FILE_NAME');
    expect(assumed.map(({ code }) => code).every((code) => variant.findings.includes(code))).toBe(true);
    await rm(folder, { recursive: true, force: true });
  });
});
