import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from './app.ts';

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
      const shot = async (name: string): Promise<string> => {
        const file = path.resolve('test-results/screens', `${name}-${colorScheme}-${viewport.width}.png`);
        await page.screenshot({ path: file });
        return file;
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
      const running = await shot('running');
      if (process.env['STOPBATH_UPDATE_SCREENSHOT'] === '1' && colorScheme === 'dark' && viewport.width === 1280) {
        copyFileSync(running, path.resolve('assets/screenshot.png'));
      }
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

test('a small window in Chinese with a long prompt', async ({ start }) => {
  const { studio, page } = await start({ locale: 'zh-CN', viewport: { width: 900, height: 600 } });
  await expect(studio.generate).toBeEnabled();
  await page.locator('textarea').first().fill('Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft '.repeat(6));
  await page.screenshot({ path: path.resolve('test-results/screens/zh-long-900.png') });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide).toBe(0);
});
