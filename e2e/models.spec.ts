import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test, type App } from './app.ts';
import { filesOf, startHub, type TestHub } from './hub/server.ts';

const starter = path.resolve(import.meta.dirname, '../assets/starter');

/** The built-in model's files as a repository of a hub on this machine. */
function modelFiles(): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(filesOf(starter)).filter(([name]) => /^(unet|vae_|text_encoder|tokenizer|scheduler|model_index)/.test(name)));
}

let hub: TestHub;

test.beforeEach(async () => {
  hub = await startHub();
  hub.put('someone/landscapes', modelFiles(), { license: 'openrail' });
});

test.afterEach(async () => {
  await hub.close();
});

const hubEnv = (): Record<string, string> => ({ STOPBATH_HUB: hub.url, STOPBATH_HUB_HOSTS: hub.cdnHost });

async function openModels({ page }: App): Promise<void> {
  await page.getByTestId('model-chip').click();
  await expect(page.getByRole('dialog', { name: 'Models' })).toBeVisible();
}

async function look({ page }: App, at: string): Promise<void> {
  await page.getByLabel(/Add a model by its name/).fill(at);
  await page.keyboard.press('Enter');
}

test('a model is added from the hub: size and licence first, progress, pause, resume over a restart, then a picture', async ({ start, restart }) => {
  hub.bytesPerSecond = 1_500_000;
  let app = await start({ env: hubEnv() });
  await openModels(app);
  await look(app, `${hub.url}/someone/landscapes`);
  const offer = app.page.getByTestId('offer');
  await expect(offer).toContainText('openrail');
  await expect(offer).toContainText(/free on the disk/);
  await offer.getByRole('button', { name: /^Download .* MB$/ }).click();

  let download = app.page.getByTestId('download');
  await expect(download).toContainText(/MB of .* MB/);
  await expect.poll(() => download.getByRole('progressbar').getAttribute('aria-valuenow').then(Number)).toBeGreaterThan(2);
  await download.getByRole('button', { name: /^Pause/ }).click();
  await expect(download).toHaveAttribute('data-state', 'paused');
  const kept = Number(await download.getByRole('progressbar').getAttribute('aria-valuenow'));

  app = await restart(app);
  await openModels(app);
  download = app.page.getByTestId('download');
  await expect(download).toHaveAttribute('data-state', 'paused');
  expect(Number(await download.getByRole('progressbar').getAttribute('aria-valuenow'))).toBeGreaterThanOrEqual(kept);
  hub.bytesPerSecond = null;
  await download.getByRole('button', { name: /^Resume/ }).click();
  const model = app.page.getByTestId('model').filter({ hasText: 'someone/landscapes' });
  await expect(model).toBeVisible({ timeout: 60_000 });
  await model.getByRole('button', { name: /^Use / }).click();
  await expect(app.page.getByRole('dialog', { name: 'Models' })).toBeHidden();

  await app.studio.fill({ prompt: 'a red house', steps: 4, pace: 'Full speed' });
  await app.studio.generate.click();
  await app.studio.waitFor('finished');
  expect(app.studio.problems).toEqual([]);
});

test('the doctor says what it found, and a damaged model is told as such', async ({ start }) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-model-'));
  try {
    for (const part of ['unet', 'vae_decoder', 'text_encoder', 'tokenizer', 'scheduler']) cpSync(path.join(starter, part), path.join(folder, part), { recursive: true });
    cpSync(path.join(starter, 'model_index.json'), path.join(folder, 'model_index.json'));
    const app = await start();
    await openModels(app);
    await look(app, folder);
    await app.page.getByTestId('offer').getByRole('button', { name: 'Use it where it lies' }).click();
    const model = app.page.getByTestId('model').filter({ hasText: path.basename(folder) });
    await model.getByRole('button', { name: /^Details/ }).click();
    await model.getByRole('button', { name: 'Examine' }).click();
    await expect(model.getByTestId('doctor')).toContainText('It can be used.', { timeout: 60_000 });
    // No encoder of pictures was copied.
    await expect(model.getByTestId('doctor')).toContainText(/vae_encoder/);

    rmSync(path.join(folder, 'unet', 'model.onnx'));
    await model.getByRole('button', { name: 'Examine' }).click();
    await expect(model.getByTestId('doctor')).toContainText('It cannot be used as it is.', { timeout: 60_000 });
    await expect(model.getByTestId('doctor')).toContainText(/unet/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('offline nothing leaves, and the network log lists what was asked before', async ({ start }) => {
  const app = await start({ env: hubEnv() });
  await openModels(app);
  await look(app, 'someone/landscapes');
  await expect(app.page.getByTestId('offer')).toBeVisible();
  await app.page.keyboard.press('Escape');

  await app.page.getByRole('button', { name: 'Settings' }).click();
  await app.page.getByRole('switch', { name: /Offline/ }).check();
  await app.page.getByRole('button', { name: 'Network log…' }).click();
  const log = app.page.getByRole('dialog', { name: 'Network' });
  await expect(log.getByTestId('network-entry').first()).toContainText(hub.url);
  await app.page.keyboard.press('Escape');

  const before = hub.seen.length;
  await openModels(app);
  await look(app, 'someone/other');
  await expect(app.page.getByRole('dialog', { name: 'Models' })).toContainText(/offline/i);
  expect(hub.seen.length).toBe(before);
});

test('the device panel names every device, its reason, and tests the CPU', async ({ start }) => {
  const { page } = await start();
  await page.getByTestId('device').click();
  await page.getByRole('button', { name: 'All devices…' }).click();
  const cpu = page.locator('[data-testid="device-row"][data-provider="cpu"]');
  await cpu.getByRole('button', { name: /Self-test/ }).click();
  await expect(cpu).toContainText(/ms a model call/, { timeout: 90_000 });
  await expect(cpu).toHaveAttribute('data-state', 'works');
});
