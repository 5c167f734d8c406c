import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckpointOptions } from '../../electron/engine/graph/checkpointOptions.ts';
import { openCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { draw, nearBytes, relative } from './draw.ts';
import { checkpointVariants, type CheckpointVariant, clipMerges, goldenOf, writeFolder, writeSingle, writeTokenizers } from './fixtures.ts';

/**
 * Whole pictures through both readers against diffusers' `from_single_file` and `from_pretrained` on the same files; see
 * make_fixtures.py. Levels, layers and names are the families' own.
 */
const bar = 1e-4;

let place: string;
let options: CheckpointOptions;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'stopbath-checkpoints-'));
  options = { store: path.join(place, 'store'), vocabulary: clipMerges };
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function expectGolden(folder: string, variant: CheckpointVariant, layout: 'single' | 'folder'): Promise<void> {
  const [ours, theirs] = [await draw(folder, variant), goldenOf(variant, layout)];
  expect(relative(ours.latents, theirs.latents), 'the last latents').toBeLessThanOrEqual(bar);
  expect(nearBytes(ours.picture, theirs.picture), 'share of pixels').toBeGreaterThanOrEqual(0.999);
}

describe.each(checkpointVariants)('%s', (variant) => {
  it('as a single file equals from_single_file', async () => {
    const file = await writeSingle(variant, place);
    const tokenizers = await writeTokenizers(variant, path.join(place, `${variant}-tokenizers`));
    // Nothing in the file tells what it predicts.
    const overrides = variant === 'sd2' ? ({ predictionType: 'v_prediction' } as const) : {};
    const opened = await openCheckpoint(file, { ...options, tokenizers, overrides });
    await expectGolden(opened.folder, variant, 'single');
  });

  it('as a folder equals from_pretrained', async () => {
    const opened = await openCheckpoint(await writeFolder(variant, place), options);
    await expectGolden(opened.folder, variant, 'folder');
  });
});
