import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, formKept, test } from './app.ts';
import { Studio } from './studio.ts';

const prompt = 'a yellow house by a lake';

test('a killed engine fails the run in words, and the next run works', async ({ start }) => {
  const app = await start();
  const { studio, page } = app;
  await studio.ready();
  await studio.fill({ prompt, steps: 40, seed: '1', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(3);
  app.killEngine();
  await studio.waitFor('failed');
  await expect(page.getByRole('alert').filter({ hasText: /engine stopped unexpectedly/i }).first()).toBeVisible();

  await studio.fill({ steps: 5, pace: 'Full speed' });
  await studio.generate.click();
  await studio.waitFor('finished');
  await expect(studio.history.getByRole('img')).toHaveCount(1);
});

test('history, form and settings are still there after a restart', async ({ start, restart }) => {
  const app = await start();
  await app.studio.ready();
  await app.studio.fill({ prompt, steps: 5, seed: '77', pace: 'Full speed' });
  await app.studio.generate.click();
  await app.studio.waitFor('finished');
  await expect(app.studio.history.getByRole('img')).toHaveCount(1);
  await formKept(app, /"seed":\s*"77"/);

  const { studio } = await restart(app);
  await studio.ready();
  await expect(studio.history.getByRole('img')).toHaveCount(1);
  await expect(studio.prompt).toHaveValue(prompt);
  await expect(studio.steps).toHaveValue('5');
  await studio.history.getByRole('button').first().click();
  await expect(studio.canvas).toHaveAttribute('data-src', /\/pictures\//);
});

test('bad input is told at its field and starts nothing', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 5 });
  await studio.seed.fill('18446744073709551616');
  await studio.generate.click();
  await expect(studio.seed).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText(/18446744073709551615/)).toBeVisible();
  await expect(studio.canvas).not.toHaveAttribute('data-state', 'running');

  await studio.seed.fill('7');
  await studio.prompt.fill('x'.repeat(100_000));
  await studio.generate.click();
  await expect(studio.prompt).toHaveAttribute('aria-invalid', 'true');
  await expect(studio.history.getByRole('img')).toHaveCount(0);
});

test('a broken settings file is set aside with a notice', async ({ start, restart }) => {
  const app = await start();
  await app.studio.ready();
  const { dataFolder } = app;
  // Not before it is gone: it may write its own once more.
  await app.end();
  writeFileSync(path.join(dataFolder, 'settings.json'), '{"theme": "dark", ');
  const next = await restart(app);
  await next.studio.ready();
  await expect(next.page.getByText(/settings/i).filter({ hasText: /set aside|defaults/i }).first()).toBeVisible();
});

test('a picture that is deleted leaves the canvas, also of another window and after a reload', async ({ start }) => {
  const { kind, studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 2, pace: 'Full speed' });
  await studio.generate.click();
  await studio.waitFor('finished');
  // A desktop app has one window.
  const other = kind === 'web' ? new Studio(await page.context().newPage(), []) : null;
  await other?.page.goto(page.url());
  await other?.waitFor('finished');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await studio.waitFor('empty');
  await other?.waitFor('empty');
  await page.reload();
  await studio.ready();
  await studio.waitFor('empty');
});

test('Escape closes the history where it lies over the picture, and only then stops the run', async ({ start }) => {
  const { studio, page } = await start({ viewport: { width: 900, height: 600 } });
  await studio.ready();
  await studio.fill({ prompt, steps: 60, pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(1);
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await expect(studio.queue).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(studio.queue).toBeHidden();
  await expect(studio.canvas).toHaveAttribute('data-state', 'running');
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
});
