import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { decodeMask } from '../electron/media/decode.ts';
import { encodePng } from '../electron/media/png.ts';
import { expect, formKept, test } from './app.ts';
import { difference, inputImage, inputMask, landscape, newestPicture } from './pictures.ts';

const prompt = 'a red house under a blue sky';
const stroke = [[0.4, 0.45], [0.6, 0.45], [0.6, 0.6], [0.4, 0.6]] as const;

test('what is painted is drawn anew, and nothing else changes', async ({ start }) => {
  const { studio, page, dataFolder } = await start();
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.choosePicture(await landscape());
  await expect(studio.maskSurface).toBeVisible();
  await studio.paint(...stroke);
  expect(await studio.masked()).toBeGreaterThan(2);
  await studio.fill({ prompt, steps: 8, seed: '5', pace: 'Full speed' });
  // At once: the run has to wait for the mask to be stored.
  await studio.generate.click();
  await studio.waitFor('finished');

  const { request, image } = newestPicture(dataFolder);
  expect(request.task).toBe('inpaint');
  const before = inputImage(dataFolder, request.image?.id ?? '');
  const mask = inputMask(dataFolder, request.mask?.id ?? '');
  expect([image.width, image.height]).toEqual([256, 256]);
  expect([mask.width, mask.height]).toEqual([256, 256]);
  expect(difference(before, image, (pixel) => mask.grey[pixel] === 0).largest).toBe(0);
  expect(difference(before, image, (pixel) => mask.grey[pixel] === 255).average).toBeGreaterThan(4);

  // With the result gone the mask is what there is to look at.
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(studio.maskSurface).toBeVisible();
  expect(studio.problems).toEqual([]);
});

test('the part develops in its place over the picture, and Stop half-way keeps what is there', async ({ start }) => {
  const { studio, page, dataFolder } = await start();
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.choosePicture(await landscape(512, 384));
  await studio.paint(...stroke);
  await page.getByRole('radio', { name: 'Only masked area' }).click();
  await expect(page.getByTestId('mask-crop')).toBeVisible();
  const lineOnScreen = await page
    .getByTestId('mask-crop')
    .locator('rect')
    .first()
    .evaluate((line: SVGRectElement) => parseFloat(getComputedStyle(line).strokeWidth) * (line.getScreenCTM()?.a ?? 0));
  expect(lineOnScreen).toBeCloseTo(3, 1);
  await studio.fill({ prompt, steps: 40, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await expect(studio.canvas).toHaveAttribute('data-side', 'result');
  await expect(page.getByTestId('start-layer')).toBeVisible();
  await studio.waitForSteps(3);
  const picture = await page.getByTestId('start-layer').boundingBox();
  const part = await page.getByRole('img', { name: /Preview after step/ }).boundingBox();
  if (picture === null || part === null) throw new Error('Nothing is developing.');
  expect(part.width).toBeLessThan(picture.width * 0.7);
  expect(part.x).toBeGreaterThanOrEqual(picture.x - 1);
  expect(part.y + part.height).toBeLessThanOrEqual(picture.y + picture.height + 1);

  // Stopped while the mask is looked at: what can be kept is turned to.
  await studio.canvas.getByRole('radio', { name: 'Mask' }).click();
  await expect(studio.canvas).toHaveAttribute('data-side', 'start');
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
  await page.getByRole('button', { name: 'Keep clean estimate' }).click();
  await studio.waitFor('kept');
  const { request, image } = newestPicture(dataFolder);
  // The picture keeps its own sides: only a part of it was drawn.
  expect([image.width, image.height]).toEqual([512, 384]);
  const mask = inputMask(dataFolder, request.mask?.id ?? '');
  expect(difference(inputImage(dataFolder, request.image?.id ?? ''), image, (pixel) => mask.grey[pixel] === 0).largest).toBe(0);
});

test('a mask is undone stroke by stroke, inverted, cleared, filled and erased', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.choosePicture(await landscape());
  const undo = studio.maskTools.getByRole('button', { name: /Undo/ });
  await expect(undo).toBeDisabled();
  await studio.paint([0.45, 0.4], [0.55, 0.4]);
  await expect(undo).toBeEnabled();
  const first = await studio.masked();
  await studio.paint([0.45, 0.6], [0.55, 0.6]);
  const both = await studio.masked();
  expect(both).toBeGreaterThan(first);
  await page.keyboard.press('Control+z');
  expect(await studio.masked()).toBe(first);
  await page.keyboard.press('Control+z');
  await expect(studio.maskStatus).toHaveText('Nothing is masked yet');
  await page.keyboard.press('Control+Shift+Z');
  await page.keyboard.press('Control+y');
  expect(await studio.masked()).toBe(both);
  await page.keyboard.press('i');
  expect(await studio.masked()).toBe(100 - both);
  await studio.maskTools.getByRole('button', { name: /Clear/ }).click();
  await expect(studio.maskStatus).toHaveText('Nothing is masked yet');
  await studio.maskTools.getByRole('button', { name: 'Mask everything' }).click();
  expect(await studio.masked()).toBe(100);
  await page.keyboard.press('e');
  await studio.paint([0.45, 0.5], [0.55, 0.5]);
  expect(await studio.masked()).toBeLessThan(100);
});

test('a mask can be painted with the keyboard alone', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.choosePicture(await landscape());
  await studio.maskSurface.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  const dab = await studio.masked();
  expect(dab).toBeGreaterThan(0);
  for (let index = 0; index < 6; index++) await page.keyboard.press(']');
  await page.keyboard.down(' ');
  for (let index = 0; index < 4; index++) await page.keyboard.press('Shift+ArrowLeft');
  await page.keyboard.up(' ');
  expect(await studio.masked()).toBeGreaterThan(dab);
  await page.keyboard.press('Control+z');
  expect(await studio.masked()).toBe(dab);
  // Typing is typing, not painting.
  await studio.prompt.focus();
  await page.keyboard.type('be [x] 0');
  await expect(studio.prompt).toHaveValue('be [x] 0');
  expect(await studio.masked()).toBe(dab);
});

test('a mask survives tabs, other prompts, runs and a restart', async ({ start, restart }) => {
  const app = await start();
  const { studio } = app;
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.choosePicture(await landscape());
  await studio.paint(...stroke);
  const painted = await studio.masked();
  await studio.fill({ prompt, steps: 3, seed: '5', pace: 'Full speed' });
  await studio.generate.click();
  await studio.waitFor('finished');
  await studio.turnTo('Text');
  await studio.turnTo('Inpaint');
  expect(await studio.masked()).toBe(painted);
  await formKept(app, /"mask":\s*\{/);
  const again = await restart(app);
  await again.studio.ready();
  await expect(again.studio.maskSurface).toBeVisible();
  await expect.poll(() => again.studio.masked()).toBe(painted);
});

test('a mask is taken from a file and given out as one', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.choosePicture(await landscape());
  const half = { width: 128, height: 128, rgb: Uint8Array.from({ length: 128 * 128 * 3 }, (_, index) => (index < 64 * 128 * 3 ? 255 : 0)) };
  await studio.maskTools.getByRole('button', { name: 'More mask tools' }).click();
  const input = page.getByRole('dialog').locator('input[type=file]');
  await input.setInputFiles({ name: 'mask.png', mimeType: 'image/png', buffer: await encodePng(half, []) });
  await page.keyboard.press('Escape');
  await expect(page.getByText('That picture is 128 × 128, the start picture 256 × 256.')).toBeVisible();
  await page.getByRole('button', { name: 'Scale it to fit' }).click();
  await expect.poll(() => studio.masked()).toBe(50);
  await studio.maskTools.getByRole('button', { name: 'More mask tools' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export as PNG' }).click();
  const mask = decodeMask(readFileSync(await (await download).path()), 'mask');
  expect([mask.width, mask.height]).toEqual([256, 256]);
  expect([mask.grey[256 * 20 + 100], mask.grey[256 * 230 + 100]]).toEqual([255, 0]);
});

test('without a mask nothing is sent, and the form says why', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.generate.click();
  await expect(page.locator('[data-invalid=true]')).toBeFocused();
  await studio.choosePicture(await landscape());
  await expect(studio.maskSurface).toBeVisible();
  await studio.generate.click();
  await expect(page.locator('[data-invalid=true]')).toBeFocused();
  await expect(studio.canvas).toHaveAttribute('data-state', 'empty');
});

test('a stroke on a large picture is painted, and the time of a move is told', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.turnTo('Inpaint');
  await studio.choosePicture(await landscape(2048, 2048));
  await expect(studio.maskSurface).toBeVisible();
  // Time spent handling pointer moves, drawing included, over a long stroke.
  const slow = await studio.maskSurface.evaluate(async (surface) => {
    const box = surface.getBoundingClientRect();
    const send = (type: string, x: number): void => {
      const place = { clientX: box.left + x, clientY: box.top + box.height / 2, pointerId: 1, isPrimary: true, button: 0, buttons: 1, bubbles: true };
      surface.dispatchEvent(new PointerEvent(type, { ...place, pointerType: 'mouse' }));
    };
    surface.setPointerCapture = () => undefined;
    const times: number[] = [];
    send('pointerdown', 100);
    for (let x = 100; x < box.width - 100; x += 6) {
      const begun = performance.now();
      send('pointermove', x);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      await new Promise((resolve) => setTimeout(resolve));
      times.push(performance.now() - begun);
    }
    send('pointerup', box.width - 100);
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  });
  test.info().annotations.push({ type: 'median ms from move to drawn', description: slow.toFixed(1) });
  expect(await studio.masked()).toBeGreaterThan(3);
  await page.keyboard.press('Control+z');
  await expect(studio.maskStatus).toHaveText('Nothing is masked yet');
});

for (const colorScheme of ['dark', 'light'] as const) {
  test(`axe finds nothing serious around the mask (${colorScheme})`, async ({ start }) => {
    const { studio, page } = await start({ colorScheme, viewport: { width: 900, height: 640 } });
    await studio.ready();
    const check = async (): Promise<void> => {
      // Half-faded text has half its contrast: judge what stays.
      await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations !== Infinity).map((animation) => animation.finished)));
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    };
    await studio.turnTo('Inpaint');
    await check();
    await studio.choosePicture(await landscape());
    await studio.paint(...stroke);
    await check();
    // Every tool stays within the window.
    for (const button of await studio.maskTools.getByRole('button').all()) await expect(button).toBeInViewport({ ratio: 1 });
    await studio.maskTools.getByRole('button', { name: 'More mask tools' }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await check();
  });
}
