import { expect, test } from './app.ts';
import type { Studio } from './studio.ts';

const prompt = 'a blue house and a pine tree on white snow';

const stepOf = async (studio: Studio): Promise<number> => Number(await studio.canvas.getAttribute('data-step'));

async function startSlowly(studio: Studio, steps: number): Promise<void> {
  await studio.ready();
  await studio.fill({ prompt, steps, seed: '5', pace: 'Slow' });
  await studio.generate.click();
}

test('a stopped run goes on as itself, and ends with the very picture it would have had', async ({ start }) => {
  const { studio, page } = await start();
  await startSlowly(studio, 12);
  await studio.waitForSteps(3);
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
  const stoppedAt = await stepOf(studio);
  for (const name of ['Keep clean estimate', 'Resume', /Finish in \d+ steps/, 'Discard']) await expect(page.getByRole('button', { name })).toBeVisible();
  // By keyboard, as everything here can be.
  await page.getByRole('button', { name: 'Resume', exact: true }).press('Enter');
  await studio.waitFor('finished');
  await expect(studio.strip.getByRole('option')).toHaveCount(12);
  await expect(page.getByTestId('mark')).toHaveAttribute('data-after', String(stoppedAt - 1));
  await expect(studio.history.getByRole('img')).toHaveCount(1);
  const resumed = await pictureBytes(studio);

  await studio.fill({ pace: 'Full speed' });
  await studio.generate.click();
  await expect(studio.history.getByRole('img')).toHaveCount(2);
  await studio.waitFor('finished');
  expect(await pictureBytes(studio)).toBe(resumed);
});

test('a run whose engine was killed goes on from its last step by one key, and ends with the very picture it would have had', async ({ start }) => {
  const app = await start();
  const { studio, page } = app;
  await startSlowly(studio, 12);
  await studio.waitForSteps(4);
  app.killEngine();
  await studio.waitFor('failed');
  const reached = await stepOf(studio);
  await expect(page.getByRole('alert').filter({ hasText: /engine stopped unexpectedly/i }).first()).toBeVisible();
  await page.getByRole('button', { name: 'Resume', exact: true }).press('Enter');
  await studio.waitFor('finished');
  await expect(studio.strip.getByRole('option')).toHaveCount(12);
  await expect(page.getByTestId('mark')).toHaveAttribute('data-after', String(reached - 1));
  const resumed = await pictureBytes(studio);
  await studio.fill({ pace: 'Full speed' });
  await studio.generate.click();
  await expect(studio.history.getByRole('img')).toHaveCount(2);
  await studio.waitFor('finished');
  expect(await pictureBytes(studio)).toBe(resumed);
});

test('what was kept of a stopped run takes nothing from it: it goes on to its end', async ({ start }) => {
  const { studio, page } = await start();
  await startSlowly(studio, 10);
  await studio.waitForSteps(3);
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
  await page.getByRole('button', { name: 'Keep clean estimate' }).press('Enter');
  await expect(studio.history.getByRole('img')).toHaveCount(1);
  await page.getByRole('button', { name: 'Resume', exact: true }).press('Enter');
  await studio.waitFor('finished');
  await expect(studio.history.getByRole('img')).toHaveCount(2);
  await expect(studio.strip.getByRole('option')).toHaveCount(10);
});

test('breakpoints are the run\'s own: they outlive a reload, its end, and a new start of the app', async ({ start, restart }) => {
  const app = await start();
  const { studio, page } = app;
  await startSlowly(studio, 20);
  await studio.waitForSteps(2);
  await page.keyboard.press('p');
  await studio.waitFor('paused');
  await page.getByRole('button', { name: 'Pause after step 15' }).click();
  await page.reload();
  await studio.waitFor('paused');
  await expect(page.getByRole('button', { name: 'Pause after step 15' })).toHaveAttribute('aria-pressed', 'true');
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
  const next = await restart(app);
  await next.studio.ready();
  await next.studio.waitFor('stopped');
  await next.page.getByRole('button', { name: 'Resume', exact: true }).press('Enter');
  await next.studio.waitFor('paused');
  expect(await stepOf(next.studio)).toBe(15);
});

test('a paused run says who waits for it, and lets them go first by key; it is resumed later', async ({ start }) => {
  const { studio, page } = await start();
  await startSlowly(studio, 16);
  await studio.waitForSteps(2);
  await page.keyboard.press('p');
  await studio.waitFor('paused');
  await studio.fill({ steps: 4, pace: 'Full speed' });
  await studio.generate.click();
  await expect(page.getByTestId('waiting')).toContainText('1 run waits for this one.');
  await page.getByRole('button', { name: 'Let them go first' }).press('Enter');
  await expect(studio.history.getByRole('img')).toHaveCount(1);
  await expect(studio.queue.getByText(/stopped after/)).toBeVisible();
});

test('the rest of a stopped run is drawn in few steps, beside it', async ({ start }) => {
  const { studio, page } = await start();
  await startSlowly(studio, 20);
  await studio.waitForSteps(4);
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
  const stoppedAt = await stepOf(studio);
  await studio.setNumber(page.getByRole('spinbutton', { name: 'Steps to finish in' }), 3);
  await page.getByRole('button', { name: 'Finish in 3 steps' }).click();
  await studio.waitFor('finished');
  await expect(studio.strip.getByRole('option')).toHaveCount(stoppedAt + 3);
  await expect(page.getByTestId('mark').first()).toHaveAttribute('title', /Finish in 3 steps/);
  // The run that was stopped is still there to go on.
  await expect(studio.queue.getByText(/stopped after/)).toBeVisible();
});

test('pause, single steps and breakpoints, by keyboard alone', async ({ start }) => {
  const { studio, page } = await start();
  await startSlowly(studio, 16);
  await studio.waitForSteps(2);
  await page.getByTestId('strip').focus();
  await page.keyboard.press('p');
  await studio.waitFor('paused');
  const pausedAt = await stepOf(studio);
  await expect(page).toHaveTitle(/^Paused \d+\/16/);
  await expect(page.getByText(`Paused after step ${pausedAt} of 16`).first()).toBeVisible();
  await page.keyboard.press('.');
  await expect.poll(() => stepOf(studio)).toBe(pausedAt + 1);
  await studio.waitFor('paused');

  // One Tab from the frames to the ruler, one step along it.
  await page.keyboard.press('Tab');
  await expect(page.locator(':focus')).toHaveAccessibleName(`Pause after step ${pausedAt + 2}`);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: `Pause after step ${pausedAt + 3}` })).toHaveAttribute('aria-pressed', 'true');
  await page.getByTestId('strip').focus();
  await page.keyboard.press('Space');
  await expect.poll(() => stepOf(studio)).toBe(pausedAt + 3);
  await studio.waitFor('paused');
  await expect(page.getByText('at your breakpoint', { exact: true })).toBeVisible();

  await page.getByRole('button', { name: /^Breakpoints/ }).press('Enter');
  await page.getByRole('button', { name: `Remove: After step ${pausedAt + 3}` }).press('Enter');
  await page.getByRole('switch', { name: 'Before the cutoff' }).press('Space');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.getByRole('slider', { name: 'CFG until step', exact: true }).last().focus();
  for (let left = 16; left > pausedAt + 5; left--) await page.keyboard.press('ArrowLeft');
  await page.getByTestId('strip').focus();
  await page.keyboard.press('Space');
  await expect(page.getByText('before the first step without guidance', { exact: true })).toBeVisible();
  expect(await stepOf(studio)).toBe(pausedAt + 5);
  await page.keyboard.press('p');
  await studio.waitFor('finished');
  await expect(page.getByTestId('savings')).toContainText(String(16 - pausedAt - 5));
});

test('the prompt is changed while the run goes on, marked where it was, and kept when it comes too late', async ({ start }) => {
  const { studio, page } = await start();
  await startSlowly(studio, 10);
  await studio.waitForSteps(2);
  await page.keyboard.press('p');
  await studio.waitFor('paused');
  const pausedAt = await stepOf(studio);
  await page.getByTestId('live-prompt').press('Enter');
  const field = page.getByRole('dialog').getByRole('textbox', { name: 'Prompt', exact: true });
  await field.fill('a red barn under a full moon');
  await expect(page.getByRole('dialog').getByText('Not applied yet')).toBeVisible();
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('dialog').getByText('This is what the run draws now')).toBeVisible();
  await expect(page.getByTestId('mark')).toHaveAttribute('title', /Prompt: a red barn under a full moon/);
  await expect(page.getByTestId('mark')).toHaveAttribute('data-after', String(pausedAt - 1));

  // A second change, which nobody applies.
  await field.fill('a yellow boat at sunset');
  await page.keyboard.press('Escape');
  await page.getByTestId('pause').press('Enter');
  await studio.waitFor('finished');
  await page.getByRole('button', { name: `Fork from step ${pausedAt} with this prompt` }).press('Enter');
  await expect(studio.history.getByRole('img')).toHaveCount(2);
  await studio.waitFor('finished');
  await expect(page.getByTestId('mark').first()).toHaveAttribute('title', /a yellow boat at sunset/);
});

test('the frames can be looked at, and gone on from', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 8, seed: '5', pace: 'Full speed' });
  await studio.generate.click();
  await studio.waitFor('finished');
  await expect(page.getByRole('button', { name: 'Continue from here' })).toBeDisabled();
  await studio.strip.focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(studio.canvas).toHaveAttribute('data-step', '7');
  await studio.strip.getByRole('option').nth(2).hover();
  await expect(studio.canvas).toHaveAttribute('data-step', '3');
  await page.mouse.move(5, 5);
  await expect(studio.canvas).toHaveAttribute('data-step', '7');
  await expect(page.getByTestId('metrics').getByRole('row')).toHaveCount(9);
  await page.getByRole('button', { name: 'Continue from here' }).press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
});

/** A hash of the pixels of the finished picture in the canvas. */
async function pictureBytes(studio: Studio): Promise<string> {
  await expect(studio.canvas).toHaveAttribute('data-src', /\/pictures\//);
  const src = (await studio.canvas.getAttribute('data-src')) ?? '';
  return await studio.page.evaluate(async (url) => {
    const bitmap = await createImageBitmap(await (await fetch(url)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    const pixels = context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? new Uint8ClampedArray();
    const hash = await crypto.subtle.digest('SHA-256', pixels);
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }, src);
}
