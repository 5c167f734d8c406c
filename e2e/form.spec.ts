import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from './app.ts';

test('the tabs share one form, which survives a restart', async ({ start, restart }) => {
  const app = await start();
  await app.studio.ready();
  await app.studio.fill({ prompt: 'a red house', steps: 6, seed: '7' });
  await app.page.keyboard.press('Control+2');
  await expect(app.page.getByRole('tab', { name: 'Image' })).toHaveAttribute('aria-selected', 'true');
  await expect(app.studio.prompt).toHaveValue('a red house');
  await app.page.getByRole('spinbutton', { name: 'Strength' }).fill('0.5');
  await expect(app.page.getByTestId('strength')).toContainText('3 of 6 steps will run');
  await app.page.getByRole('button', { name: 'Advanced' }).click();
  await app.page.getByRole('combobox', { name: 'Noise like' }).selectOption('a1111-nv');
  await app.page.getByRole('button', { name: 'Advanced' }).click();
  await expect(app.page.getByTestId('advanced')).toContainText('Noise like: A1111 and ComfyUI, NV');
  await app.studio.generate.click();
  await expect(app.page.getByText('Choose a picture to start from')).toBeFocused();

  // It is saved a moment after the last change.
  const settings = path.join(app.dataFolder, 'settings.json');
  await expect.poll(() => (existsSync(settings) ? readFileSync(settings, 'utf8') : '')).toMatch(/"noise":\s*"a1111-nv"/);
  const { page, studio } = await restart(app);
  await studio.ready();
  await expect(page.getByRole('tab', { name: 'Image' })).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByRole('spinbutton', { name: 'Strength' })).toHaveValue('0.5');
  await expect(page.getByTestId('advanced')).toContainText('Noise like: A1111 and ComfyUI, NV');
  expect(studio.problems).toEqual([]);
});

test('a batch is one run; each of its pictures can be shown, and its settings come back whole', async ({ start }) => {
  const { page, studio } = await start();
  await studio.ready();
  await studio.fill({ prompt: 'a red house', steps: 4, seed: '7', pictures: 2, pace: 'Full speed' });
  await page.getByRole('radio', { name: 'In one batch' }).click();
  await expect(page.getByTestId('tokens-prompt')).toHaveText(/^\d+ \/ 75$/);
  await studio.generate.click();
  await studio.waitFor('finished');
  await expect(studio.history.getByRole('img')).toHaveCount(2);
  const thumbs = page.getByTestId('batch').getByRole('button');
  await expect(thumbs).toHaveCount(2);
  const first = await studio.canvas.getAttribute('data-src');
  await thumbs.nth(1).click();
  await expect(studio.canvas).not.toHaveAttribute('data-src', first ?? '');
  await studio.fill({ seed: '1', steps: 9, pictures: 1 });
  await page.getByRole('button', { name: 'Use all settings' }).click();
  await expect(studio.seed).toHaveValue('7');
  await expect(studio.steps).toHaveValue('4');
  await expect(studio.pictures).toHaveValue('2');
  // The second picture alone has the batch's seed and one.
  await page.getByRole('button', { name: 'Use seed' }).click();
  await expect(studio.seed).toHaveValue('8');
});

test('what only the engine can refuse stands at its field', async ({ start }) => {
  const { page, studio } = await start();
  await studio.ready();
  await studio.fill({ prompt: 'a red house', steps: 4, pace: 'Full speed' });
  await page.getByRole('button', { name: 'Advanced' }).click();
  const clipSkip = page.getByRole('spinbutton', { name: 'Clip skip' });
  await clipSkip.fill('12');
  await studio.generate.click();
  await studio.waitFor('failed');
  await expect(clipSkip).toHaveAttribute('aria-invalid', 'true');
  await page.getByRole('button', { name: 'Reset: Clip skip' }).click();
  await studio.generate.click();
  await studio.waitFor('finished');
});
