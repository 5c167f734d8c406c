import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from './app.ts';
import { difference, halves, inputImage, landscape, newestPicture, withOrientation } from './pictures.ts';

const prompt = 'a red house under a night sky with a moon';

test('a picture dropped on the window becomes the start of the next one', async ({ start }) => {
  const { studio, page, dataFolder } = await start();
  await studio.ready();
  await studio.dropPicture(await landscape(300, 200), 'holiday.png', 'image/png');
  await expect(page.getByRole('tab', { name: 'Image', exact: true })).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByTestId('start-picture')).toBeVisible();
  await expect(studio.pictureField).toContainText('holiday.png');
  await expect(page.getByRole('spinbutton', { name: 'Width', exact: true })).toHaveValue('288');
  await expect(page.getByRole('spinbutton', { name: 'Height', exact: true })).toHaveValue('192');

  await studio.fill({ prompt, steps: 10, seed: '5', pace: 'Full speed' });
  await studio.setNumber(page.getByTestId('strength').getByRole('spinbutton'), 0.3);
  await expect(page.getByTestId('strength')).toContainText('3 of 10 steps will run');
  await studio.generate.click();
  await studio.waitFor('finished');
  await expect(studio.strip.getByRole('option')).toHaveCount(3);
  const low = newestPicture(dataFolder);
  expect(low.request).toMatchObject({ task: 'image-to-image', strength: 0.3, width: 288, height: 192 });

  // Held, the key shows where it began.
  await studio.canvas.focus();
  await page.keyboard.down('c');
  await expect(page.getByTestId('start-layer')).toBeVisible();
  await page.keyboard.up('c');
  await expect(page.getByTestId('start-layer')).toHaveCount(0);
  expect(studio.problems).toEqual([]);
});

test('the stronger, the further from the start', async ({ start }) => {
  const { studio, page, dataFolder } = await start();
  await studio.ready();
  await studio.turnTo('Image');
  await studio.choosePicture(await landscape());
  await studio.fill({ prompt, steps: 10, seed: '5', pace: 'Full speed' });
  const far: number[] = [];
  for (const strength of [0.2, 0.9]) {
    await studio.setNumber(page.getByTestId('strength').getByRole('spinbutton'), strength);
    await studio.generate.click();
    await expect(studio.history.getByRole('img')).toHaveCount(far.length + 1);
    await studio.waitFor('finished');
    const { request, image } = newestPicture(dataFolder);
    far.push(difference(inputImage(dataFolder, request.image?.id ?? ''), image, () => true).average);
  }
  expect(far[1]).toBeGreaterThan((far[0] ?? 0) * 1.3);
});

test('a photo taken upright is upright, and a picture pasted or used again is taken too', async ({ start }) => {
  const { studio, page, dataFolder } = await start();
  await studio.ready();
  await studio.turnTo('Image');
  // Orientation 6: to be turned a quarter to the right. Its left half is red, so red has to be on top.
  const photo = withOrientation(await halves(page, 'image/jpeg', 160, 96), 6);
  await studio.choosePicture(photo, 'photo.jpg', 'image/jpeg');
  await expect(studio.pictureField).toContainText('96 × 160');
  await studio.fill({ prompt, steps: 2, seed: '5', pace: 'Full speed' });
  await studio.generate.click();
  await studio.waitFor('finished');
  const upright = inputImage(dataFolder, newestPicture(dataFolder).request.image?.id ?? '');
  expect([upright.width, upright.height]).toEqual([96, 160]);
  const pixel = (x: number, y: number): number[] => [...upright.rgb.subarray((y * 96 + x) * 3, (y * 96 + x) * 3 + 3)];
  expect(pixel(48, 20)[0]).toBeGreaterThan(200);
  expect(pixel(48, 140)[2]).toBeGreaterThan(200);

  await page.getByRole('button', { name: 'Use as start' }).click();
  await expect(studio.canvas).toHaveAttribute('data-side', 'start');
  await expect(studio.pictureField).toContainText('.png');

  const pasted = [...(await halves(page, 'image/png', 72, 64))];
  await studio.prompt.focus();
  await page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], 'image.png', { type: 'image/png' }));
    document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, pasted);
  await expect(studio.pictureField).toContainText('72 × 64');
});

test('what is changed on the way in is said, and can be taken back', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.turnTo('Image');
  await studio.choosePicture(await landscape(128, 128), 'first.png');
  await expect(studio.pictureField).toContainText('128 × 128');
  await studio.choosePicture(await halves(page, 'image/png', 96, 96, 0.5), 'glass.png');
  await expect(studio.pictureField).toContainText('Transparent parts became white.');
  await expect(studio.pictureField).toContainText('96 × 96');
  await page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo' }).last().click();
  await expect(studio.pictureField).toContainText('128 × 128');
  await expect(page.getByRole('spinbutton', { name: 'Width', exact: true })).toHaveValue('128');
  await expect(studio.pictureField).not.toContainText('Transparent');
});

test('what is no picture, or a broken one, is refused in words, and nothing else happens', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.turnTo('Image');
  const good = await landscape(128, 128);
  await studio.choosePicture(good, 'good.png');
  await expect(studio.pictureField).toContainText('good.png');
  await studio.choosePicture(Buffer.from('%PDF-1.7 not a picture'), 'paper.pdf', 'application/pdf');
  await expect(studio.pictureField.getByRole('alert')).toContainText('This file is no picture.');
  await studio.choosePicture(good.subarray(0, good.length / 2), 'half.png');
  await expect(studio.pictureField.getByRole('alert')).toContainText(/damaged or incomplete/);
  const huge = Buffer.from(good);
  huge.writeUInt32BE(20_000, 16);
  await studio.choosePicture(huge, 'huge.png');
  await expect(studio.pictureField.getByRole('alert')).toContainText('20000 × 128 is too large');
  await expect(studio.pictureField).toContainText('good.png');
  await expect(page.getByTestId('start-picture')).toBeVisible();
  await studio.choosePicture(await landscape(64, 64), 'next.png');
  await expect(studio.pictureField.getByRole('alert')).toHaveCount(0);
  await expect(studio.pictureField).toContainText('next.png');
});

test('a start picture whose file is gone is asked for again, and a refused run leaves the start in sight', async ({ start, restart }) => {
  const app = await start();
  await app.studio.ready();
  await app.studio.turnTo('Image');
  await app.studio.choosePicture(await landscape());
  await expect(app.page.getByTestId('start-picture')).toBeVisible();
  await app.studio.fill({ prompt, steps: 2, pace: 'Full speed' });
  rmSync(path.join(app.dataFolder, 'inputs'), { recursive: true });
  await app.studio.generate.click();
  await expect(app.page.locator('[data-invalid=true]')).toHaveText('The picture is no longer there.');
  await expect(app.studio.canvas).toHaveAttribute('data-side', 'start');

  const settings = path.join(app.dataFolder, 'settings.json');
  await expect.poll(() => (existsSync(settings) ? readFileSync(settings, 'utf8') : '')).toContain(prompt);
  const { studio, page } = await restart(app);
  await studio.ready();
  await expect(studio.pictureField.getByRole('alert')).toHaveText('The picture is no longer there.');
  await expect(page.getByRole('heading', { name: 'Start from a picture' })).toBeVisible();
  await studio.choosePicture(await landscape());
  await expect(page.getByTestId('start-picture')).toBeVisible();
  await expect(studio.pictureField.getByRole('alert')).toHaveCount(0);
});
