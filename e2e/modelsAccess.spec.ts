import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test, type App } from './app.ts';
import { startHub, type TestHub } from './hub/server.ts';
import { hubEnv, look, modelFiles } from './modelsPage.ts';

const longName = 'an-organisation-with-a-long-name/a-rather-long-model-name-with-version-v1-5-inpainting-fp16-onnx';

let hub: TestHub;

test.beforeEach(async () => {
  hub = await startHub();
  const files = modelFiles();
  const half = Object.fromEntries(Object.entries(files).flatMap(([name, data]) => (name.endsWith('.onnx') ? [[name.replace('.onnx', '_fp16.onnx'), Buffer.concat([data, Buffer.alloc(1)])]] : [])));
  hub.put(longName, { ...files, ...half, 'v1-5.ckpt': new Uint8Array(5000) }, { license: 'openrail' });
});

test.afterEach(async () => {
  await hub.close();
});

test('by keyboard alone: open, look, choose a variant, download, pause', async ({ start }) => {
  hub.bytesPerSecond = 500_000;
  const { page, studio } = await start({ env: hubEnv(hub) });
  await studio.ready();
  await page.keyboard.press('Control+Shift+L');
  await expect(page.locator('#models-at')).toBeFocused();
  await page.keyboard.type(longName);
  await page.keyboard.press('Enter');
  const offer = page.getByTestId('offer');
  await expect(offer).toBeVisible();

  const tabTo = async (name: RegExp): Promise<void> => {
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
    for (let presses = 0; presses < 20 && !name.test(await focused()); presses++) await page.keyboard.press('Tab');
    expect(await focused()).toMatch(name);
  };
  const radios = offer.getByRole('radio');
  await expect(radios).toHaveCount(2);
  for (let presses = 0; presses < 10 && !(await radios.first().evaluate((radio) => radio === document.activeElement)); presses++) await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await expect(radios.nth(1)).toBeChecked();
  await tabTo(/^Download \d+/);
  await page.keyboard.press('Enter');
  const download = page.getByTestId('download');
  await expect(download).toHaveAttribute('data-state', 'running');
  await page.locator('#models-at').focus();
  await tabTo(/^Pause/);
  await page.keyboard.press('Space');
  await expect(download).toHaveAttribute('data-state', 'paused');
  // The button that pauses is the one that resumes: the focus stays.
  await expect(download.getByRole('button', { name: /^Resume/ })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

/** Half-faded text has half its contrast: what stays is judged. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations !== Infinity).map((animation) => animation.finished)));
}

/** Goes through all dialogs of models, devices, network and settings, filled; `check` is called at each. */
async function throughDialogs(app: App, check: (name: string) => Promise<void>): Promise<void> {
  const { page, studio } = app;
  const dialog = page.getByRole('dialog');
  hub.bytesPerSecond = 100_000;
  await studio.ready();
  await page.keyboard.press('Control+Shift+L');
  await expect(page.locator('#models-at')).toBeFocused();
  await look(app, longName);
  await page.getByTestId('offer').locator('summary').first().click();
  await check('offer');
  await page.getByTestId('offer').getByRole('button').last().click();
  await expect(page.getByTestId('download')).toBeVisible();
  await look(app, 'no/such');
  await expect(page.locator('#models-at')).toHaveAttribute('aria-invalid', 'true');
  await page.getByTestId('download').getByRole('button').last().click();
  await page.getByTestId('model').locator('[aria-expanded]').click();
  await page.getByTestId('model').getByRole('button').last().click();
  await expect(page.getByTestId('doctor')).toBeVisible({ timeout: 60_000 });
  await check('models');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);

  await page.keyboard.press('Control+,');
  for (const tab of ['general', 'files', 'network']) {
    await page.locator(`#settings-${tab}`).click();
    await check(`settings-${tab}`);
  }
  await dialog.getByRole('tabpanel').getByRole('button').click();
  await expect(page.getByTestId('network-entry').first()).toBeVisible();
  await check('network');
  await page.keyboard.press('Escape');
  await page.getByTestId('device').click();
  await dialog.getByRole('button').last().click();
  await expect(page.getByTestId('device-row').first()).toBeVisible();
  await check('devices');
}

for (const colorScheme of ['dark', 'light'] as const) {
  test(`axe finds nothing serious in the dialogs (${colorScheme})`, async ({ start }) => {
    test.setTimeout(120_000);
    const app = await start({ colorScheme, env: hubEnv(hub) });
    await throughDialogs(app, async (name) => {
      await settled(app.page);
      const { violations } = await new AxeBuilder({ page: app.page }).analyze();
      expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical'), name).toEqual([]);
    });
  });
}

for (const [width, height, locale] of [[390, 844, 'zh-CN'], [390, 844, 'en-US'], [900, 640, 'zh-CN']] as const) {
  test(`the dialogs fit ${width} × ${height} (${locale})`, async ({ start }, info) => {
    test.setTimeout(120_000);
    const app = await start({ viewport: { width, height }, locale, env: hubEnv(hub) });
    const { page } = app;
    await throughDialogs(app, async (name) => {
      await settled(page);
      await info.attach(name, { body: await page.screenshot(), contentType: 'image/png' });
      const outside = await page.getByRole('dialog').first().evaluate((dialog) => {
        const { left, right } = dialog.getBoundingClientRect();
        return [...dialog.querySelectorAll<HTMLElement>('*')]
          .filter((element) => element.offsetParent !== null && (element.getBoundingClientRect().right > right + 1 || element.getBoundingClientRect().left < left - 1))
          .map((element) => element.outerHTML.slice(0, 120));
      });
      expect(outside, name).toEqual([]);
      // A download's title is cut off with dots on purpose: its whole name is its tooltip.
      const cut = await page.getByRole('dialog').first().evaluate((dialog) =>
        [...dialog.querySelectorAll<HTMLElement>('button, label, summary, h2, h3, p, span')].filter((element) => element.closest('[data-testid="download"]') === null && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1).map(({ textContent }) => textContent),
      );
      expect(cut, name).toEqual([]);
    });
  });
}
