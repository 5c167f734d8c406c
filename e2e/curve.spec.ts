import type { Locator, Page } from '@playwright/test';
import { expect, formKept, test } from './app.ts';

const prompt = 'a blue house and a pine tree on white snow';

/** What every step got or will get, as the curve draws it. */
async function scalesOf(curve: Locator): Promise<number[]> {
  return curve.locator('[data-scale]').evaluateAll((columns) => columns.map((column) => Number(column.getAttribute('data-scale'))));
}

async function centreOf(handle: Locator): Promise<{ x: number; y: number }> {
  const box = await handle.boundingBox();
  if (box === null) throw new Error('The point is not on the screen.');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

async function openAdvanced(page: Page): Promise<void> {
  const toggle = page.getByRole('button', { name: /^Advanced/ });
  if ((await toggle.getAttribute('aria-expanded')) !== 'true') await toggle.click();
}

/** The curve of the run, which a window of 800 px leaves closed. */
async function openRunCurve(page: Page): Promise<Locator> {
  const curve = page.getByTestId('run-curve');
  const toggle = curve.locator('button[aria-expanded]').first();
  if ((await toggle.getAttribute('aria-expanded')) === 'false') await toggle.click();
  return curve;
}

test('the future of the curve is dragged while the run goes on; the past stays', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 16, guidance: 4, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(3);
  const curve = await openRunCurve(page);
  const end = curve.getByRole('slider').last();
  const from = await centreOf(end);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x, from.y - 10, { steps: 3 });
  await page.mouse.move(from.x, from.y - 24, { steps: 3 });
  await page.mouse.up();
  const lockedThen = Number(await curve.getByTestId('curve-plot').getAttribute('data-locked'));
  await studio.waitFor('finished');
  const scales = await scalesOf(curve);
  expect(scales).toHaveLength(16);
  expect(scales.slice(0, 3)).toEqual([4, 4, 4]);
  expect(scales.at(-1)).toBeGreaterThan(5);
  // Rising from where it was taken hold of, and never in the past.
  expect(scales.slice(0, Math.min(lockedThen, 3))).toEqual([4, 4, 4].slice(0, Math.min(lockedThen, 3)));
  scales.slice(1).forEach((scale, index) => expect(scale).toBeGreaterThanOrEqual(scales[index] ?? 0));
  // It is over: nothing can be moved any more.
  await expect(curve.getByRole('slider')).toHaveCount(0);
  expect(studio.problems).toEqual([]);
});

test('the curve of a run is bent by keys alone', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 16, guidance: 4, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(2);
  const curve = await openRunCurve(page);
  await curve.getByRole('slider').last().focus();
  await page.keyboard.press('Insert');
  await expect(curve.getByRole('slider')).toHaveCount(2);
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(curve.getByTestId('negative-ends')).toHaveCount(0);
  await studio.waitFor('finished');
  const scales = await scalesOf(curve);
  expect(Math.min(...scales)).toBeLessThan(2);
  expect(scales[0]).toBe(4);
  expect(scales.at(-1)).toBe(4);
});

test('a curve drawn in the form is what every step gets, and says what it costs', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 10, guidance: 4, seed: '5', pace: 'Full speed' });
  await openAdvanced(page);
  const form = page.getByTestId('curve');
  await form.getByRole('button', { name: 'Interval' }).click();
  await expect(form.getByTestId('forecast')).toContainText('fewer');
  const planned = await scalesOf(form);
  expect(new Set(planned)).toEqual(new Set([1, 4]));
  await studio.generate.click();
  await studio.waitFor('finished');
  expect(await scalesOf(await openRunCurve(page))).toEqual(planned);
  const guided = await studio.strip.getByRole('option').evaluateAll((steps) => steps.map((step) => step.getAttribute('data-guided') === 'true'));
  expect(guided).toEqual(planned.map((scale) => scale > 1));
  // Turned off for good at the end: the negative prompt has nothing to act on.
  await expect(form.getByTestId('negative-ends')).toBeVisible();
});

test('a callback is written, found wrong at its line, mended, and acts', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 12, seed: '5', pace: 'Full speed' });
  await openAdvanced(page);
  await page.getByTestId('callbacks').getByRole('button', { name: 'New callback' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit the callback' });
  const source = dialog.getByRole('textbox', { name: 'Source of the callback' });
  await expect(source).toBeFocused();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText('function callbackOnStepEnd(run, stepIndex) {\n  return { interrupt: stepIndex === };\n}\n');
  await expect(dialog.getByRole('button', { name: /^Line 2: / })).toBeVisible();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText('function callbackOnStepEnd(run, stepIndex) {\n  return { interrupt: stepIndex === 4 };\n}\n');
  await expect(dialog.getByRole('button', { name: /^Line/ })).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await studio.generate.click();
  await studio.waitFor('stopped');
  await expect(page.getByText(/Stopped after 5 of 12 steps/)).toBeVisible();
  expect(studio.problems).toEqual([]);
});

test('what a callback writes is seen where it is written', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 5, seed: '5', pace: 'Full speed' });
  await openAdvanced(page);
  const list = page.getByTestId('callbacks');
  await list.getByRole('button', { name: 'New callback' }).press('Enter');
  await expect(page.getByRole('textbox', { name: 'Source of the callback' })).toBeFocused();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText("function callbackOnStepEnd(run, stepIndex) {\n  console.log('sigma is', run.sigma > 0);\n}\n");
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('ControlOrMeta+Enter');
  await studio.waitFor('finished');
  await expect(list.getByText('5: sigma is true')).toBeVisible();
  await list.getByRole('button', { name: /^Edit / }).press('Enter');
  const log = page.getByTestId('callback-log').getByRole('log');
  await expect(log.locator('p')).toHaveCount(5);
  await expect(log.locator('p').first()).toHaveText('1: sigma is true');
  expect(studio.problems).toEqual([]);
});

test('a drawn curve says why the scale beside it takes no number', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 16, guidance: 4, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(2);
  const scale = page.getByRole('spinbutton', { name: 'CFG scale' });
  await expect(scale).toBeEnabled();
  const curve = await openRunCurve(page);
  await curve.getByRole('slider').last().focus();
  await page.keyboard.press('Insert');
  await expect(scale).toBeDisabled();
  await expect(page.getByText(/The curve you have drawn sets the scale/)).toHaveCount(1);
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
});

test('completions name what a step has; Escape closes them and not the editor', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await openAdvanced(page);
  await page.getByTestId('callbacks').getByRole('combobox', { name: 'From an example' }).selectOption({ label: 'Stop after ten steps' });
  const dialog = page.getByRole('dialog', { name: 'Edit the callback' });
  await expect(dialog.getByRole('textbox', { name: 'Source of the callback' })).toBeFocused();
  await page.keyboard.press('ControlOrMeta+End');
  await page.keyboard.type('// ');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Backspace');
  await page.keyboard.type('run.next');
  await expect(dialog.getByRole('option', { name: /nextSigma/ })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog.getByRole('option')).toHaveCount(0);
  await expect(dialog).toBeVisible();
  expect(studio.problems).toEqual([]);
});

test('callbacks are switched, ordered by keys and kept over a restart; one that throws is told at its line', async ({ start, restart }) => {
  const app = await start();
  const { studio, page } = app;
  await studio.ready();
  await studio.fill({ prompt, steps: 6, seed: '5', pace: 'Full speed' });
  await openAdvanced(page);
  const list = page.getByTestId('callbacks');
  for (const label of ['Stop after ten steps', 'A little noise']) {
    await list.getByRole('combobox', { name: 'From an example' }).selectOption({ label });
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
  await list.getByRole('button', { name: /^Move A little noise/ }).focus();
  await page.keyboard.press('ArrowUp');
  await expect(list.getByRole('listitem').first()).toContainText('A little noise');
  await list.getByRole('checkbox', { name: /A little noise/ }).uncheck();

  await list.getByRole('button', { name: 'New callback' }).click();
  await expect(page.getByRole('textbox', { name: 'Source of the callback' })).toBeFocused();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText("function callbackOnStepEnd(run, stepIndex) {\n  if (stepIndex === 2) throw new Error('enough');\n}\n");
  await expect(page.getByText('Tab leaves the editor')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await studio.generate.click();
  await studio.waitFor('finished');
  await expect(list.getByText(/Switched off after step 3, line 2: .*enough/)).toBeVisible();

  await formKept(app, 'enough');
  const next = await restart(app);
  await next.studio.ready();
  await openAdvanced(next.page);
  const again = next.page.getByTestId('callbacks');
  await expect(again.getByRole('listitem')).toHaveCount(3);
  await expect(again.getByRole('listitem').first()).toContainText('A little noise');
  await expect(again.getByRole('checkbox', { name: /A little noise/ })).not.toBeChecked();
});
