import { execFileSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test, type App } from './app.ts';
import { writeSingle } from './checkpoints/fixtures.ts';
import { startHub, type TestHub } from './hub/server.ts';
import { hubEnv, look, modelFiles, openModels, starter } from './modelsPage.ts';

let hub: TestHub;

test.beforeEach(async () => {
  hub = await startHub();
  hub.put('someone/landscapes', modelFiles(), { license: 'openrail' });
});

test.afterEach(async () => {
  await hub.close();
});

async function openSettings({ page }: App, tab: 'Folders' | 'Network'): Promise<void> {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('tab', { name: tab }).click();
}

test('a model is added from the hub: size and licence first, progress, pause, resume over a restart, then a picture', async ({ start, restart }) => {
  hub.bytesPerSecond = 1_500_000;
  let app = await start({ env: hubEnv(hub) });
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
  const app = await start({ env: hubEnv(hub) });
  await openModels(app);
  await look(app, 'someone/landscapes');
  await expect(app.page.getByTestId('offer')).toBeVisible();
  await app.page.keyboard.press('Escape');

  await openSettings(app, 'Network');
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

test('a gated repository asks for a token and goes on with it', async ({ start }) => {
  hub.put('someone/gated', modelFiles(), { gated: true });
  const app = await start({ env: hubEnv(hub) });
  await openModels(app);
  await look(app, 'someone/gated');
  const offer = app.page.getByTestId('offer');
  await expect(offer).toContainText('needs a token and accepted terms');
  const token = app.page.getByLabel('Hugging Face token');
  await expect(token).toBeVisible();

  // Without one the download breaks off and says where to get it.
  await offer.getByRole('button', { name: /^Download/ }).click();
  const download = app.page.getByTestId('download');
  await expect(download).toHaveAttribute('data-state', 'failed');
  await expect(download.getByRole('alert')).toContainText('https://huggingface.co/someone/gated');

  hub.tokens.add('hf_good');
  await token.fill('hf_good');
  await token.press('Enter');
  await expect(app.page.getByTestId('model').filter({ hasText: 'someone/gated' })).toBeVisible({ timeout: 30_000 });
  await expect(token).toBeHidden();
  await expect(app.page.getByRole('button', { name: 'Access token is set…' })).toBeVisible();
  expect(hub.seen.filter(({ at, authorization }) => at === 'cdn' && authorization !== null)).toEqual([]);
});

test('a file whose hash is wrong is told with what to do, and comes with another try', async ({ start }) => {
  hub.faults.push({ at: 'cdn', does: { kind: 'corrupt', byte: 100 } });
  const app = await start({ env: hubEnv(hub) });
  await openModels(app);
  await look(app, 'someone/landscapes');
  await app.page.getByTestId('offer').getByRole('button', { name: /^Download/ }).click();
  const download = app.page.getByTestId('download');
  await expect(download).toHaveAttribute('data-state', 'failed', { timeout: 30_000 });
  await expect(download.getByRole('alert')).toContainText(/came damaged twice: its hash is another\. Try again later/);
  await expect(app.page.getByTestId('model')).toHaveCount(1);
  hub.faults.length = 0;
  await download.getByRole('button', { name: /^Try .* again$/ }).click();
  await expect(app.page.getByTestId('model').filter({ hasText: 'someone/landscapes' })).toBeVisible({ timeout: 30_000 });
  await expect(download).toHaveCount(0);
});

/** Fills a file system to its last byte. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(2 ** 20));
  } catch {
    // Full.
  } finally {
    closeSync(descriptor);
  }
}

test('a disk that gets full breaks a download off; with room it goes on', async ({ start }) => {
  test.skip(process.platform !== 'linux' || process.getuid?.() !== 0, 'A small file system of its own can be mounted by root only.');
  const disk = mkdtempSync(path.join(os.tmpdir(), 'stopbath-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=120m', 'tmpfs', disk]);
  try {
    hub.bytesPerSecond = 1_500_000;
    const app = await start({ env: hubEnv(hub) });
    await openSettings(app, 'Folders');
    const field = app.page.getByRole('textbox', { name: 'Downloads go to' });
    await field.fill('models');
    await field.press('Enter');
    await expect(app.page.getByText('models is only a part of a path.')).toBeVisible();
    await field.fill(` "${disk}/models" `);
    await field.press('Enter');
    await expect(field).toHaveValue(`${disk}/models`);
    await app.page.keyboard.press('Escape');

    await openModels(app);
    await look(app, 'someone/landscapes');
    await app.page.getByTestId('offer').getByRole('button', { name: /^Download/ }).click();
    const download = app.page.getByTestId('download');
    await expect.poll(() => download.getByRole('progressbar').getAttribute('aria-valuenow').then(Number)).toBeGreaterThan(2);
    fill(path.join(disk, 'other'));
    await expect(download).toHaveAttribute('data-state', 'failed', { timeout: 30_000 });
    await expect(download.getByRole('alert')).toContainText(/The disk is full.*Free some space/);

    rmSync(path.join(disk, 'other'));
    hub.bytesPerSecond = null;
    await download.getByRole('button', { name: /^Try .* again$/ }).click();
    await expect(app.page.getByTestId('model').filter({ hasText: 'someone/landscapes' })).toBeVisible({ timeout: 30_000 });
    expect(existsSync(path.join(disk, 'models'))).toBe(true);
  } finally {
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  }
});

/** CLIP's vocabulary, whose tokenizer every single file is read with. */
const clipTokens = 49408;

test('a .safetensors file is added by its path, tells its memory, takes a prediction type and draws', async ({ start }) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-checkpoint-'));
  try {
    const file = await writeSingle('sd1', folder, (tensors) =>
      tensors.map((tensor) => (tensor.name.endsWith('token_embedding.weight') ? { ...tensor, shape: [clipTokens, ...tensor.shape.slice(1)] } : tensor)),
    );
    const app = await start();
    const { page, studio } = app;
    await studio.ready();
    await expect(page.getByTestId('forecast')).toHaveCount(0);
    await openModels(app);
    await look(app, file);
    await page.getByTestId('offer').getByRole('button', { name: 'Use it where it lies' }).click();
    const row = page.getByTestId('model').filter({ hasText: 'safetensors file' });
    await expect(row).toContainText('sd1', { timeout: 30_000 });
    await row.getByRole('button', { name: /^Details/ }).click();
    await row.getByLabel('Prediction').selectOption('v_prediction');
    await expect(row.getByLabel('Prediction')).toHaveValue('v_prediction');
    await row.getByRole('button', { name: 'Use sd1' }).click();

    await expect(page.getByTestId('forecast')).toHaveAttribute('data-verdict', 'fits');
    await expect(page.getByTestId('forecast')).toContainText(/^Needs about .* of .* free/);
    await studio.fill({ prompt: 'a red house', steps: 3, pace: 'Full speed' });
    await page.getByRole('spinbutton', { name: 'Width' }).fill('128');
    await page.getByRole('spinbutton', { name: 'Height' }).fill('128');
    await studio.generate.click();
    await studio.waitFor('finished');

    await openModels(app);
    await row.getByRole('button', { name: /from the list$/ }).click();
    await row.getByRole('button', { name: 'Take from the list' }).click();
    await expect(row).toHaveCount(0);
    expect(existsSync(file)).toBe(true);
    expect(studio.problems).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a pickle is refused with its reason, as a file and in a repository', async ({ start }) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-pickle-'));
  try {
    const file = path.join(folder, 'v1-5.ckpt');
    writeFileSync(file, Buffer.alloc(3000, 'PK'));
    hub.put('someone/pickle', { 'v1-5.ckpt': new Uint8Array(5000) });
    const app = await start({ env: hubEnv(hub) });
    const dialog = app.page.getByRole('dialog', { name: 'Models' });
    await openModels(app);
    await look(app, file);
    await expect(dialog).toContainText(/v1-5\.ckpt is a pickle/);
    await expect(dialog).toContainText(/\.safetensors/);
    await expect(app.page.locator('#models-at')).toHaveAttribute('aria-invalid', 'true');
    await look(app, 'someone/pickle');
    const offer = app.page.getByTestId('offer');
    await expect(offer).toContainText('There is nothing here that Stopbath can use.');
    await expect(offer.getByText('v1-5.ckpt')).toBeVisible();
    await expect(offer.getByRole('button', { name: /^Download/ })).toHaveCount(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('removing a downloaded model asks, frees the disk, and leaves the form on another', async ({ start }) => {
  const app = await start({ env: hubEnv(hub) });
  await openModels(app);
  await look(app, 'someone/landscapes');
  await app.page.getByTestId('offer').getByRole('button', { name: /^Download/ }).click();
  const row = app.page.getByTestId('model').filter({ hasText: 'someone/landscapes' });
  await row.getByRole('button', { name: /^Use / }).click({ timeout: 30_000 });
  const models = path.join(app.dataFolder, 'models');
  const graphs = (): string[] => (readdirSync(models, { recursive: true }) as string[]).filter((name) => name.endsWith('.onnx') || name.includes('blobs/'));
  expect(graphs().length).toBeGreaterThan(0);

  await openModels(app);
  await row.getByRole('button', { name: /^Delete / }).click();
  await expect(row.getByRole('alertdialog')).toContainText(/This frees \d+ MB/);
  await app.page.keyboard.press('Escape');
  await expect(row.getByRole('alertdialog')).toHaveCount(0);
  await expect(row.getByRole('button', { name: /^Delete / })).toBeFocused();
  await app.page.keyboard.press('Enter');
  await row.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(row).toHaveCount(0);
  await expect(app.page.getByTestId('model')).toContainText('In use');
  expect(graphs()).toEqual([]);
});
