import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from './app.ts';

const prompt = 'a purple house under a pink dawn sky';

for (const colorScheme of ['dark', 'light'] as const) {
  test(`axe finds nothing serious (${colorScheme})`, async ({ start }) => {
    const { studio, page } = await start({ colorScheme });
    await studio.ready();
    const check = async (): Promise<void> => {
      // Half-faded text has half its contrast: judge what stays.
      await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations !== Infinity).map((animation) => animation.finished)));
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    };
    await check();
    await studio.fill({ prompt, steps: 6, seed: '1', pace: 'Full speed' });
    await studio.generate.click();
    await studio.waitFor('finished');
    await check();
    await page.keyboard.press('Control+,');
    await expect(page.getByRole('dialog')).toBeVisible();
    await check();
  });
}

test('a picture by keyboard alone', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id ?? '');
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    if (await studio.prompt.evaluate((element) => element === document.activeElement)) break;
  }
  await expect(studio.prompt, `focus is at ${await focused()}`).toBeFocused();
  await page.keyboard.press('Control+A');
  await page.keyboard.type(prompt);
  await page.keyboard.press('Control+Enter');
  await studio.waitForSteps(3);
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
  const keep = page.getByRole('button', { name: 'Keep clean estimate' });
  await keep.focus();
  await page.keyboard.press('Enter');
  await expect(studio.history.getByRole('img')).toHaveCount(1);
  await page.keyboard.press('F1');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('Simplified Chinese from the system and from the settings', async ({ start }) => {
  const { page } = await start({ locale: 'zh-CN' });
  await expect(page.getByTestId('generate')).toHaveText(/生成/);
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
});
