import { expect, test } from './app.ts';

const prompt = 'a blue house and a pine tree on white snow';

test('Stop ends the run at the step and decodes nothing; the clean estimate can be kept', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 30, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(4);
  const before = Number(await studio.canvas.getAttribute('data-step'));
  await page.keyboard.press('Escape');
  await studio.waitFor('stopped');
  const after = Number(await studio.canvas.getAttribute('data-step'));
  expect(after - before).toBeLessThanOrEqual(1);
  await expect(studio.strip.getByRole('option')).toHaveCount(after);
  // Nothing was decoded, so nothing was saved.
  await expect(studio.history.getByRole('img')).toHaveCount(0);
  await expect(page.getByText(new RegExp(`Stopped after ${after} of 30 steps`))).toBeVisible();

  await page.getByRole('button', { name: 'Keep clean estimate' }).click();
  await expect(studio.history.getByRole('img')).toHaveCount(1);
});

test('the cutoff dragged while the run goes on drops the remaining steps to one evaluation', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 16, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(3);
  const slider = page.getByTestId('live-cutoff').getByRole('slider');
  const track = await slider.boundingBox();
  if (track === null) throw new Error('The slider is not on the screen.');
  // To the far left, which would mean "no guided step at all": the past is locked, so guidance ends as soon as it can.
  const middle = track.y + track.height / 2;
  await page.mouse.move(track.x + track.width - 8, middle);
  await page.mouse.down();
  await page.mouse.move(track.x + track.width / 2, middle, { steps: 4 });
  await page.mouse.move(track.x + 2, middle, { steps: 4 });
  await page.mouse.up();
  await studio.waitFor('finished');
  const guided = await studio.strip.getByRole('option').evaluateAll((steps) => steps.map((step) => step.getAttribute('data-guided')));
  expect(guided).toHaveLength(16);
  const lastGuided = guided.lastIndexOf('true');
  expect(lastGuided).toBeGreaterThanOrEqual(2);
  expect(lastGuided).toBeLessThan(12);
  expect(guided.slice(lastGuided + 1).every((value) => value === 'false')).toBe(true);
  expect(guided.slice(0, lastGuided + 1).every((value) => value === 'true')).toBe(true);
});

test('a picture generated with a cutoff says what it saved', async ({ start }) => {
  const { studio, page } = await start();
  await studio.ready();
  await studio.fill({ prompt, steps: 10, seed: '5', pace: 'Full speed' });
  await page.getByRole('form').getByTestId('cutoff').getByRole('slider').focus();
  for (let presses = 0; presses < 5; presses++) await page.keyboard.press('ArrowLeft');
  await studio.generate.click();
  await studio.waitFor('finished');
  const guided = await studio.strip.getByRole('option').evaluateAll((steps) => steps.map((step) => step.getAttribute('data-guided')));
  expect(guided.map((value) => (value === 'true' ? 2 : 1))).toEqual([2, 2, 2, 2, 2, 1, 1, 1, 1, 1]);
  await expect(page.getByTestId('savings')).toContainText('5');
});
