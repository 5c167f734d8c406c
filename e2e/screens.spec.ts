import path from 'node:path';
import { expect, test } from './app.ts';
import { landscape } from './pictures.ts';

const prompt = 'a red house under a night sky with a moon';
const sizes = [
  { width: 1280, height: 800 },
  { width: 900, height: 600 },
] as const;

/** Screens to look at, in `test-results/screens/`; and what can be measured of a layout: nothing cut off, nothing outside. */
for (const colorScheme of ['dark', 'light'] as const) {
  for (const viewport of sizes) {
    test(`screens at ${viewport.width} x ${viewport.height}, ${colorScheme}`, async ({ start }) => {
      const { studio, page } = await start({ colorScheme, viewport });
      const shot = async (name: string): Promise<void> => {
        await page.screenshot({ path: path.resolve('test-results/screens', `${name}-${colorScheme}-${viewport.width}.png`) });
      };
      const fits = async (): Promise<void> => {
        const overflow = await page.evaluate(() => ({
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          high: document.documentElement.scrollHeight - document.documentElement.clientHeight,
        }));
        expect(overflow).toEqual({ wide: 0, high: 0 });
        for (const control of [studio.generate, studio.stop, studio.canvas]) await expect(control).toBeInViewport({ ratio: 0.95 });
      };
      await studio.ready();
      await fits();
      await shot('first-run');

      await studio.fill({ prompt, steps: 20, seed: '3', pace: 'Slow' });
      await studio.generate.click();
      await studio.waitForSteps(9);
      await fits();
      await shot('running');
      await page.keyboard.press('Escape');
      await studio.waitFor('stopped');
      await shot('stopped');

      await studio.fill({ steps: 6, pace: 'Full speed' });
      await studio.generate.click();
      await studio.waitFor('finished');
      await fits();
      await shot('finished');
      await page.keyboard.press('Control+,');
      await expect(page.getByRole('dialog')).toBeVisible();
      await shot('settings');
    });
  }
}

test('the screenshot of the README', async ({ start }) => {
  test.skip(process.env['STOPBATH_UPDATE_SCREENSHOT'] !== '1', 'only when asked for');
  const { studio, page } = await start();
  await studio.ready();
  const pictures = [
    'a yellow house and a lake on green grass with rolling hills under a clear blue sky with white clouds',
    'a palm tree on a sandy beach under an orange sunset sky with the sun',
    'a blue house on the left and a pine tree on white snow with mountains under a pink dawn sky with the moon',
    'a pine tree on green grass under a night sky with a moon',
    'a red house on green grass under a clear blue sky',
    'a purple house under a pink dawn sky',
  ];
  for (const [index, text] of pictures.entries()) {
    await studio.fill({ prompt: text, steps: 20, seed: '3', pace: 'Full speed' });
    await studio.generate.click();
    await expect(studio.history.getByRole('img')).toHaveCount(index + 1);
  }
  await studio.fill({ prompt, pace: 'Slow' });
  await page.getByRole('form').getByRole('slider', { name: 'CFG until step' }).fill('14');
  await studio.generate.click();
  await studio.waitForSteps(11);
  // No button looks pointed at.
  await studio.prompt.hover();
  await page.screenshot({ path: path.resolve('assets/screenshot.png') });
});

test('the picture comes first where a task begins with one, also in a low window', async ({ start }) => {
  const { studio, page } = await start({ viewport: { width: 900, height: 640 } });
  await studio.ready();
  for (const task of ['Image', 'Inpaint'] as const) {
    await studio.turnTo(task);
    await expect(studio.pictureField).toBeInViewport({ ratio: 1 });
    await expect(studio.prompt).toBeInViewport({ ratio: 1 });
    await expect(page.getByTestId('strength').getByRole('spinbutton')).toBeInViewport({ ratio: 1 });
  }
});

test('every tab in one column, as on a phone', async ({ start }) => {
  const { studio, page } = await start({ viewport: { width: 390, height: 700 } });
  await studio.ready();
  const fits = async (): Promise<void> => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    await expect(studio.generate).toBeInViewport({ ratio: 1 });
  };
  for (const task of ['Text', 'Image', 'Inpaint'] as const) {
    await studio.turnTo(task);
    await fits();
    await expect(studio.canvas).toBeInViewport({ ratio: 0.9 });
  }
  await studio.choosePicture(await landscape());
  await studio.paint([0.4, 0.5], [0.6, 0.5]);
  expect(await studio.masked()).toBeGreaterThan(1);
  for (const tool of await studio.maskTools.getByRole('button').all()) await expect(tool).toBeInViewport({ ratio: 1 });
  await studio.fill({ prompt, steps: 4, pace: 'Full speed' });
  await expect(studio.canvas).not.toBeInViewport({ ratio: 0.9 });
  await studio.generate.click();
  // The form was scrolled to: the run shows itself.
  await expect(studio.canvas).toBeInViewport({ ratio: 0.9 });
  await studio.waitFor('finished');
  await fits();
  await page.screenshot({ path: path.resolve('test-results/screens/finished-dark-390.png') });
});

test('a long list of shortcuts stays within a low window, and has the painter\'s', async ({ start }) => {
  const { studio, page } = await start({ viewport: { width: 900, height: 640 } });
  await studio.ready();
  await page.keyboard.press('F1');
  await expect(page.getByRole('dialog')).toBeInViewport({ ratio: 1 });
  await page.getByText('Swap brush and eraser').scrollIntoViewIfNeeded();
  await expect(page.getByText('Swap brush and eraser')).toBeInViewport({ ratio: 1 });
});

test('a small window in Chinese with a long prompt', async ({ start }) => {
  const { studio, page } = await start({ locale: 'zh-CN', viewport: { width: 900, height: 600 } });
  await expect(studio.generate).toBeEnabled();
  await page.locator('textarea').first().fill('Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft '.repeat(6));
  await page.screenshot({ path: path.resolve('test-results/screens/zh-long-900.png') });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide).toBe(0);
});
