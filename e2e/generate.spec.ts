import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from './app.ts';
import { readPngTexts } from '../electron/media/png.ts';

const prompt = 'a red house under a night sky with a moon';

test('a prompt becomes a picture, and every step is seen on the way', async ({ start }) => {
  const app = await start();
  const { studio, page } = app;
  await studio.ready();
  await studio.fill({ prompt, steps: 20, seed: '7', pace: 'Watch' });

  // Every picture that the canvas ever shows, by its bytes.
  const seen = new Set<string>();
  page.on('response', (response) => {
    if (!/\/runs\/.*\.png/.test(response.url()) || response.status() !== 200) return;
    void response.body().then((body) => seen.add(createHash('sha256').update(body).digest('hex')), () => undefined);
  });
  await studio.generate.click();
  await studio.waitFor('running');
  await studio.waitForSteps(6);
  // Their bytes come a moment after them.
  await expect.poll(() => seen.size).toBeGreaterThanOrEqual(5);
  await expect(studio.canvas).toHaveAttribute('data-state', 'running');

  await studio.waitFor('finished');
  await expect(studio.strip.getByRole('option')).toHaveCount(20);
  await expect(studio.history.getByRole('img')).toHaveCount(1);

  const files = readdirSync(path.join(app.dataFolder, 'pictures')).filter((file) => file.endsWith('.png'));
  expect(files).toHaveLength(1);
  const texts = readPngTexts(readFileSync(path.join(app.dataFolder, 'pictures', files[0] ?? '')));
  const parameters = texts.find(({ keyword }) => keyword === 'parameters')?.text ?? '';
  expect(parameters).toContain(prompt);
  expect(parameters).toMatch(/Steps: 20, Sampler: .*Seed: 7,/);
  expect(texts.some(({ keyword }) => keyword === 'stopbath')).toBe(true);
  expect(studio.problems).toEqual([]);
});

test('the same seed gives the same picture', async ({ start }) => {
  const app = await start();
  const { studio } = app;
  await studio.ready();
  const bytes: string[] = [];
  for (const steps of [1, 2]) {
    await studio.fill({ prompt, steps: 6, seed: '18446744073709551615', pace: 'Full speed' });
    await studio.generate.click();
    await expect(studio.history.getByRole('img')).toHaveCount(steps);
  }
  await studio.waitFor('finished');
  for (const file of readdirSync(path.join(app.dataFolder, 'pictures')).filter((name) => name.endsWith('.png'))) {
    // Only the pixels: the texts name the time and the job.
    const png = readFileSync(path.join(app.dataFolder, 'pictures', file));
    const start = png.indexOf('IDAT');
    bytes.push(createHash('sha256').update(png.subarray(start, png.indexOf('IEND'))).digest('hex'));
  }
  expect(bytes).toHaveLength(2);
  expect(bytes[0]).toBe(bytes[1]);
});

test('looking back through the steps and returning to the live picture', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 8, seed: '3', pace: 'Full speed' });
  await studio.generate.click();
  await studio.waitFor('finished');
  const shown = await studio.canvas.getAttribute('data-src');
  await studio.strip.getByRole('option').nth(2).click();
  await expect(studio.canvas).not.toHaveAttribute('data-src', shown ?? '');
  await expect(studio.canvas).toHaveAttribute('data-src', /\/2\.png/);
  await page.keyboard.press('Alt+ArrowRight');
  await expect(studio.canvas).toHaveAttribute('data-src', /\/3\.png/);
});

test('several pictures queue up, one after the other', async ({ start }) => {
  const { studio } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 4, seed: '40', pictures: 3, pace: 'Full speed' });
  await studio.generate.click();
  await expect(studio.history.getByRole('img')).toHaveCount(3);
});
