import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type App } from './app.ts';
import { writeFolder } from './checkpoints/fixtures.ts';
import { writeSafetensors } from './checkpoints/writeSafetensors.ts';
import { difference, newestPicture } from './pictures.ts';

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

test.describe('with a checkpoint of one’s own', () => {
  let place: string;

  // The checkpoint is opened, and drawn with several times.
  test.describe.configure({ timeout: 150_000 });

  test.beforeAll(async () => {
    place = mkdtempSync(path.join(os.tmpdir(), 'stopbath-steer-'));
    await writeFolder('sd1', place);
  });

  test.afterAll(() => rmSync(place, { recursive: true, force: true }));

  /** The small checkpoint is added by its path and chosen. */
  async function prepare({ page, studio }: App): Promise<void> {
    await studio.ready();
    await page.getByTestId('model-chip').press('Enter');
    await page.getByLabel(/Add a model by its name/).fill(path.join(place, 'sd1'));
    await page.keyboard.press('Enter');
    await page.getByTestId('offer').getByRole('button', { name: 'Use it where it lies' }).press('Enter');
    await page.getByTestId('model').filter({ hasText: 'sd1' }).getByRole('button', { name: /^Use / }).press('Enter');
    await expect(page.getByRole('dialog', { name: 'Models' })).toBeHidden();
    await studio.setNumber(page.getByRole('spinbutton', { name: 'Width', exact: true }), 128);
    await studio.setNumber(page.getByRole('spinbutton', { name: 'Height', exact: true }), 128);
  }

  test('by keys: deep features serve two steps of three, are marked on the timeline, and a resumed run ends in the very same picture', async ({ start }) => {
    const app = await start();
    const { page, studio, dataFolder } = app;
    await prepare(app);
    await studio.fill({ prompt: 'a red house under a night sky with a moon', steps: 12, seed: '7', pace: 'Slow' });
    await page.getByRole('button', { name: /^Advanced/ }).press('Enter');
    const draft = page.getByLabel('Draft: fewer model calls', { exact: true });
    await draft.focus();
    await page.keyboard.type('Reuse deep');
    await expect(draft).toHaveValue('features');
    await studio.setNumber(page.getByRole('spinbutton', { name: 'Whole UNet every … steps' }), 3);

    await studio.generate.press('Enter');
    await studio.waitForSteps(2);
    const reused = 'The outermost layers alone, with deep features of an earlier step';
    await expect(studio.strip.getByTitle(reused).first()).toBeVisible();
    await studio.waitFor('finished');
    const marks = () => studio.strip.getByRole('option').evaluateAll((steps) => steps.map((step) => step.getAttribute('data-reused')));
    const every = ['none', 'features', 'features'];
    // The last step is a whole one, too.
    const expected = [...every, ...every, ...every, 'none', 'features', 'none'];
    expect(await marks()).toEqual(expected);
    await expect(studio.strip.getByTitle(reused)).toHaveCount(7);
    await expect(studio.strip.getByRole('option').nth(1)).toContainText(reused);
    // Both halves of guidance of seven steps.
    await expect(page.getByTestId('savings')).toHaveText('14 evaluations of the outermost layers alone');
    const drawn = newestPicture(dataFolder);
    expect(drawn.request.reuse).toEqual({ kind: 'features', every: 3 });

    await studio.generate.press('Enter');
    await expect(studio.canvas).not.toHaveAttribute('data-state', 'finished');
    await studio.waitForSteps(4);
    await page.keyboard.press('Escape');
    await studio.waitFor('stopped');
    const done = Number(await studio.canvas.getAttribute('data-step'));
    expect(done).toBeLessThan(12);
    expect(await marks()).toEqual(expected.slice(0, done));
    await page.getByRole('button', { name: 'Resume' }).press('Enter');
    await studio.waitFor('finished');
    expect(await marks()).toEqual(expected);
    await expect(studio.history.getByRole('img')).toHaveCount(2);
    expect(difference(newestPicture(dataFolder).image, drawn.image, () => true).largest).toBe(0);
    expect(studio.problems).toEqual([]);
  });

  test('what a run does not do as asked is counted beside it, listed by a key, and still there after a reload', async ({ start }) => {
    const app = await start();
    const { page, studio, dataFolder } = app;
    // For text encoders that are 48 wide; the small model's has 64.
    mkdirSync(path.join(dataFolder, 'embeddings'), { recursive: true });
    await writeSafetensors(path.join(dataFolder, 'embeddings', 'zorb.safetensors'), [{ name: 'emb_params', type: 'F32', shape: [2, 48] }]);
    await prepare(app);
    await studio.fill({ prompt: 'a red house, zorb', steps: 12, seed: '7', pace: 'Slow' });
    await studio.generate.press('Enter');
    await studio.waitForSteps(1);
    const notes = page.getByTestId('warnings');
    await expect(notes).toHaveText('1 note');
    await studio.waitFor('finished');
    await page.reload();
    await studio.waitFor('finished');
    await notes.press('Enter');
    const list = page.getByRole('list', { name: 'Not done as asked' });
    await expect(list.getByRole('listitem')).toHaveCount(1);
    await expect(list).toContainText('The embedding "zorb" is not used, and its name is read as a word: it was made for models of another family.');
    const found = await new AxeBuilder({ page }).analyze();
    expect(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    await page.keyboard.press('Escape');
    await expect(notes).toBeFocused();
    expect(newestPicture(dataFolder).request.prompt).toBe('a red house, zorb');
    expect(studio.problems).toEqual([]);
  });
});
