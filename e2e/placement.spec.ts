import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from './app.ts';
import { singleTensors } from './checkpoints/fixtures.ts';
import { writeSparse } from './checkpoints/writeSafetensors.ts';
import { look, openModels } from './modelsPage.ts';

/** Only Linux has a second disk everywhere. */
const otherDisk = '/dev/shm';
const hasTwoDisks = process.platform === 'linux' && statSync(otherDisk, { throwIfNoEntry: false })?.dev !== statSync(os.tmpdir()).dev;

test('a checkpoint on another disk that takes nothing is copied when the person says so, by keys alone', async ({ start }) => {
  test.skip(!hasTwoDisks, 'There is one disk here.');
  const disk = mkdtempSync(path.join(otherDisk, 'stopbath-e2e-'));
  try {
    const tensors = singleTensors('sd1').map((tensor) => (tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [49_408, ...tensor.shape.slice(1)] } : tensor));
    const file = await writeSparse(path.join(disk, 'ink.safetensors'), tensors);
    // In the place of the folder that would be made: as where nothing may be written.
    writeFileSync(path.join(disk, '.stopbath'), '');
    const app = await start();
    await openModels(app);
    await look(app, file);
    const offer = app.page.getByTestId('offer');
    await offer.getByRole('button', { name: 'Use it where it lies' }).press('Enter');
    await expect(offer.getByRole('alert')).toContainText('lies on another disk');
    expect(readdirSync(path.join(app.dataFolder, 'checkpoints'))).toEqual([]);

    await offer.getByRole('button', { name: /^Copy into Stopbath's folder \(10(\.\d)? MB\)$/ }).press('Enter');
    const model = app.page.getByTestId('model').filter({ hasText: 'ink' });
    await expect(model).toContainText("copied into Stopbath's folder");
    await expect(offer).toBeHidden();
    expect(readdirSync(disk).toSorted()).toEqual(['.stopbath', 'ink.safetensors']);
    const [folder = ''] = readdirSync(path.join(app.dataFolder, 'checkpoints')).filter((name) => !name.startsWith('.'));
    expect(statSync(path.join(app.dataFolder, 'checkpoints', folder, 'unet', 'weights.safetensors')).size).toBe(statSync(file).size);
    expect(app.studio.problems).toEqual([]);
  } finally {
    rmSync(disk, { recursive: true, force: true });
  }
});
