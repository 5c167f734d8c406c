import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test, type App } from './app.ts';
import { singleTensors } from './checkpoints/fixtures.ts';
import { writeSparse } from './checkpoints/writeSafetensors.ts';
import { look, openModels } from './modelsPage.ts';

/** Only Linux has a second disk everywhere. */
const otherDisk = '/dev/shm';
const hasTwoDisks = process.platform === 'linux' && statSync(otherDisk, { throwIfNoEntry: false })?.dev !== statSync(os.tmpdir()).dev;

let disk: string;

test.beforeEach(() => {
  test.skip(!hasTwoDisks, 'There is one disk here.');
  disk = mkdtempSync(path.join(otherDisk, 'stopbath-e2e-'));
});

test.afterEach(() => {
  if (hasTwoDisks) rmSync(disk, { recursive: true, force: true });
});

function writeCheckpoint(): Promise<string> {
  const tensors = singleTensors('sd1').map((tensor) => (tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [49_408, ...tensor.shape.slice(1)] } : tensor));
  return writeSparse(path.join(disk, 'ink.safetensors'), tensors);
}

/** Bytes of the weights beside the only model's graphs in the app's folder. */
function copiedBytes({ dataFolder }: App): number {
  const store = path.join(dataFolder, 'checkpoints');
  const [folder = ''] = readdirSync(store).filter((name) => !name.startsWith('.'));
  return statSync(path.join(store, folder, 'unet', 'weights.safetensors')).size;
}

test('a checkpoint on another disk that takes nothing is copied when the person says so, by keys alone', async ({ start }) => {
  const file = await writeCheckpoint();
  // In the place of the folder that would be made: as where nothing may be written.
  writeFileSync(path.join(disk, '.stopbath'), '');
  const app = await start();
  await openModels(app);
  await look(app, file);
  const offer = app.page.getByTestId('offer');
  await offer.getByRole('button', { name: 'Use it where it lies' }).press('Enter');
  await expect(offer.getByRole('alert')).toContainText('lies on another disk');
  expect(readdirSync(path.join(app.dataFolder, 'checkpoints'))).toEqual([]);

  await offer.getByRole('button', { name: "Copy into Stopbath's folder (16 MB)" }).press('Enter');
  await expect(app.page.getByTestId('model').filter({ hasText: 'ink' })).toContainText("copied into Stopbath's folder");
  await expect(offer).toBeHidden();
  expect(readdirSync(disk).toSorted()).toEqual(['.stopbath', 'ink.safetensors']);
  expect(copiedBytes(app)).toBe(statSync(file).size);
  expect(app.studio.problems).toEqual([]);
});

test('a checkpoint with its graphs beside it on another disk is copied from its details', async ({ start }) => {
  const file = await writeCheckpoint();
  const app = await start();
  await openModels(app);
  await look(app, file);
  await app.page.getByTestId('offer').getByRole('button', { name: 'Use it where it lies' }).click();
  const model = app.page.getByTestId('model').filter({ hasText: 'ink' });
  await expect(model).toContainText('graphs in .stopbath beside it');
  expect(readdirSync(disk).toSorted()).toEqual(['.stopbath', 'ink.safetensors']);

  const details = model.getByRole('button', { name: 'Details of ink' });
  await details.press('Enter');
  await model.getByRole('button', { name: "Copy into Stopbath's folder (16 MB): ink" }).press('Enter');
  await expect(model).toContainText("copied into Stopbath's folder");
  await expect(details).toBeFocused();
  await expect.poll(() => readdirSync(disk), { timeout: 60_000 }).toEqual(['ink.safetensors']);
  expect(copiedBytes(app)).toBe(statSync(file).size);
  await expect(model.getByTestId('doctor')).toContainText('It can be used.', { timeout: 60_000 });
  expect(app.studio.problems).toEqual([]);
});
