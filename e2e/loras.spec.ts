import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type App } from './app.ts';
import { writeFolder } from './checkpoints/fixtures.ts';
import { writeLora } from './loras/fixtures.ts';
import { difference, newestPicture } from './pictures.ts';

let place: string;

// Models are opened, LoRAs built in and two runs drawn in one spec.
test.describe.configure({ timeout: 150_000 });

test.beforeAll(async () => {
  place = mkdtempSync(path.join(os.tmpdir(), 'stopbath-loras-'));
  mkdirSync(path.join(place, 'loras'));
  await writeFolder('sd1', place);
  await writeLora('sd1', 'kohya', path.join(place, 'loras'));
  await writeLora('sdxl', 'kohya', path.join(place, 'loras'));
});

test.afterAll(() => rmSync(place, { recursive: true, force: true }));

const name = 'sd1-kohya';

/** The small checkpoint is added by its path, and the folder of LoRAs; by keyboard where `byKeys`. */
async function prepare({ page, studio }: App): Promise<void> {
  await studio.ready();
  await page.getByTestId('model-chip').click();
  await page.getByLabel(/Add a model by its name/).fill(path.join(place, 'sd1'));
  await page.keyboard.press('Enter');
  await page.getByTestId('offer').getByRole('button', { name: 'Use it where it lies' }).click();
  const model = page.getByTestId('model').filter({ hasText: 'sd1' });
  await model.getByRole('button', { name: /^Use / }).click();
  await expect(page.getByRole('dialog', { name: 'Models' })).toBeHidden();

  // By keys alone.
  await page.getByTestId('add-lora').press('Enter');
  await page.getByRole('button', { name: 'Folders…' }).press('Enter');
  const folder = page.getByLabel('Path of a folder with LoRAs');
  await folder.fill('loras');
  await folder.press('Enter');
  // A path that leads nowhere from anywhere is told at its field.
  await expect(folder).toHaveAttribute('aria-invalid', 'true');
  await folder.fill(path.join(place, 'loras'));
  await folder.press('Enter');
  const files = page.getByTestId('lora-file');
  await expect(files).toHaveCount(2);
  // Headers are read by the engine, which may have to start for it.
  await expect(files.first()).toContainText('rank 4', { timeout: 40_000 });
  await expect(files.last()).toContainText('Made for SDXL');
  await page.getByRole('searchbox', { name: 'Search by name or trigger word' }).fill('sd1');
  await expect(files).toHaveCount(1);
  await page.getByRole('button', { name: `Add ${name}` }).press('Enter');
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('lora')).toHaveCount(1);
}

async function settle({ studio, page }: App, steps: number): Promise<void> {
  await studio.setNumber(page.getByRole('spinbutton', { name: 'Width', exact: true }), 128);
  await studio.setNumber(page.getByRole('spinbutton', { name: 'Height', exact: true }), 128);
  await studio.fill({ prompt: 'a red house under a night sky with a moon', steps, seed: '7', pace: 'Slow' });
}

const liveSlider = ({ page }: App) => page.getByRole('list', { name: 'LoRAs of this run' }).getByRole('slider', { name: `${name}, strength` });

test('a LoRA begun at 0 is turned up while the picture develops, is marked, and the same is drawn again from the log', async ({ start }) => {
  const app = await start();
  const { page, studio, dataFolder } = app;
  await prepare(app);
  await settle(app, 14);
  await studio.setNumber(page.getByRole('spinbutton', { name: `Strength of ${name}`, exact: true }), 0);
  await studio.generate.click();
  await studio.waitFor('finished');
  const without = newestPicture(dataFolder);
  expect(without.request.loras).toEqual([{ name, strength: 0, textStrength: null, curve: { kind: 'constant' } }]);

  await studio.generate.click();
  await studio.waitForSteps(2);
  await page.getByTestId('live-loras').click();
  const track = await liveSlider(app).boundingBox();
  if (track === null) throw new Error('The slider is not on the screen.');
  const middle = track.y + track.height / 2;
  await page.mouse.move(track.x + track.width / 2, middle);
  await page.mouse.down();
  await page.mouse.move(track.x + track.width * 0.6, middle, { steps: 3 });
  await page.mouse.move(track.x + track.width * 0.75, middle, { steps: 3 });
  await page.mouse.up();
  const mark = page.getByTestId('mark').last();
  await expect(mark).toHaveAttribute('title', /LoRA sd1-kohya \d/);
  await page.keyboard.press('Escape');
  await expect(studio.history.getByRole('img')).toHaveCount(2);
  await studio.waitFor('finished');
  const steered = newestPicture(dataFolder);
  const log = steered.request.steering;
  expect(log.length).toBeGreaterThan(0);
  expect(log.at(-1)?.steering.loras?.[0]?.strength).toBeGreaterThan(0.5);
  expect(difference(steered.image, without.image, () => true).largest).toBeGreaterThan(0);

  // All of it, log and LoRA, is taken from the picture, and gives it again.
  await page.getByRole('button', { name: 'Use all settings' }).click();
  await expect(page.getByTestId('lora')).toHaveAttribute('data-lora', name);
  await studio.fill({ pace: 'Full speed' });
  await studio.generate.click();
  await expect(studio.history.getByRole('img')).toHaveCount(3);
  await studio.waitFor('finished');
  const again = newestPicture(dataFolder);
  expect(again.request.steering).toEqual(log);
  expect(difference(again.image, steered.image, () => true).largest).toBe(0);
  expect(studio.problems).toEqual([]);
});

test('by keys: a LoRA called by a tag has its live slider, and a course over the steps is kept with the form', async ({ start, restart }) => {
  let app = await start();
  await prepare(app);
  await settle(app, 14);
  const more = app.page.getByRole('button', { name: `More about ${name}` });
  await more.press('Enter');
  await app.page.getByLabel('Over the steps').selectOption('fade-out');
  // What was changed is saved as the page is left.
  await app.page.reload();
  app = await restart(app);
  await app.studio.ready();
  await expect(app.page.getByTestId('lora')).toHaveCount(1);
  await app.page.getByRole('button', { name: `More about ${name}` }).press('Enter');
  await expect(app.page.getByLabel('Over the steps')).toHaveValue('fade-out');
  await app.page.getByRole('button', { name: `Remove ${name}` }).press('Enter');
  await expect(app.page.getByTestId('lora')).toHaveCount(0);

  await app.studio.prompt.fill(`a red house <lora:${name}:0.4>`);
  await app.studio.generate.press('Enter');
  await app.studio.waitForSteps(2);
  await app.page.getByTestId('live-loras').press('Enter');
  await expect(liveSlider(app)).toHaveAttribute('aria-valuetext', '0.4');
  await liveSlider(app).press('ArrowRight');
  await expect(app.page.getByTestId('mark').last()).toHaveAttribute('title', 'LoRA sd1-kohya 0.45');
  const found = await new AxeBuilder({ page: app.page }).analyze();
  expect(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  await app.page.keyboard.press('Escape');
  await app.studio.waitFor('finished');
  expect(newestPicture(app.dataFolder).request.steering.at(-1)?.steering).toEqual({ loras: [{ name, strength: 0.45 }] });
});

test('what cannot be is said at its place: a tag without a file, a LoRA of another family', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  await prepare(app);
  await settle(app, 4);
  await studio.prompt.fill('a red house <lora:nobody:1>');
  await studio.generate.click();
  await expect(page.getByText(/no LoRA "nobody"/).first()).toBeVisible();
  await studio.prompt.fill('a red house');
  await page.getByTestId('add-lora').click();
  await page.getByRole('button', { name: 'Add sdxl-kohya' }).click();
  await page.keyboard.press('Escape');
  await expect(page.locator('[data-lora="sdxl-kohya"]')).toContainText('Made for SDXL');
  await studio.generate.click();
  await studio.waitFor('failed');
  await expect(page.getByText(/made for models of another family/).first()).toBeVisible();
});
