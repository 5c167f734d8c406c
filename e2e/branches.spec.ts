import { expect, test, type App } from './app.ts';

const prompt = 'a blue house and a pine tree on white snow';

/** A finished run of few steps, drawn as fast as it goes. */
async function finishedRun(app: App, steps = 12): Promise<void> {
  const { studio } = app;
  await studio.ready();
  await studio.fill({ prompt, steps, seed: '5', pace: 'Full speed' });
  await studio.generate.click();
  await studio.waitFor('finished');
}

const branches = ({ page }: App) => ({
  panel: page.getByTestId('branches'),
  tree: page.getByTestId('branch-tree'),
  rows: page.getByTestId('branch-tree').getByRole('treeitem'),
  fork: page.getByTestId('fork-panel'),
  summary: page.getByTestId('fork-summary'),
  log: page.getByTestId('steering-log'),
  compare: page.getByTestId('compare'),
  shownId: () => page.getByTestId('branch-tree').locator('[aria-selected=true]').getAttribute('data-job'),
});

test('a finished run goes on from a step with another prompt, beside itself', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, rows, fork, summary, log } = branches(app);
  await finishedRun(app);
  await panel.getByRole('button', { name: /Go on from this step/ }).click();
  await expect(fork).toBeVisible();
  await expect(summary).toHaveText('From step 6 of 12: the same again, bit for bit');
  // The first field has the focus; what is not changed is not sent.
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('a red house on a green meadow');
  await expect(summary).toHaveText('From step 6 of 12: prompt');
  await page.keyboard.press('Enter');
  await expect(fork).toBeHidden();
  await expect(rows).toHaveCount(2);
  await studio.waitFor('finished');
  await expect(studio.strip.getByRole('option')).toHaveCount(12);
  await expect(log.getByRole('listitem')).toHaveText([/After step 6.*a red house on a green meadow/]);
  await expect(studio.history.getByRole('img')).toHaveCount(2);
  expect(studio.problems).toEqual([]);
});

test('the same again is the same picture to the last pixel, and the difference of another prompt is seen', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, tree, rows, fork, compare } = branches(app);
  await finishedRun(app);
  const branch = panel.getByRole('button', { name: /Go on from this step/ }).first();
  await branch.click();
  await fork.getByRole('slider', { name: 'Step to go on from' }).fill('4');
  await fork.getByTestId('fork-start').click();
  await expect(rows).toHaveCount(2);
  await studio.waitFor('finished');

  // By keyboard alone: compared with the run it left.
  await tree.locator('[aria-selected=true]').focus();
  await page.keyboard.press('b');
  await expect(compare).toBeVisible();
  await page.keyboard.press('d');
  await expect(page.getByTestId('difference-facts')).toHaveText('The same in every pixel');
  await page.keyboard.press('Escape');
  await expect(compare).toBeHidden();

  await tree.locator('[aria-selected=true]').focus();
  await page.keyboard.press('f');
  await expect(fork).toBeVisible();
  await fork.getByRole('textbox', { name: 'Prompt', exact: true }).fill('a red house');
  await page.keyboard.press('Enter');
  await expect(rows).toHaveCount(3);
  await studio.waitFor('finished');
  await tree.locator('[aria-selected=true]').focus();
  await page.keyboard.press('b');
  await page.keyboard.press('d');
  await expect(page.getByTestId('difference-facts')).toHaveAttribute('data-most', /^[1-9]/);
});

test('runs are compared side by side at the same step, zoomed together, and one is left out', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, tree, rows, fork, compare } = branches(app);
  await finishedRun(app, 8);
  for (const [count, text] of [[2, 'a red house'], [3, 'a pine tree at night']] as const) {
    await tree.or(panel).first().waitFor();
    if (count === 3) await rows.first().click();
    await panel.getByRole('button', { name: /Go on from this step/ }).first().click();
    await fork.getByRole('textbox', { name: 'Prompt', exact: true }).fill(text);
    await page.keyboard.press('Enter');
    await expect(rows).toHaveCount(count);
    await studio.waitFor('finished');
  }
  await tree.locator('[aria-selected=true]').focus();
  await page.keyboard.press('Home');
  for (let row = 0; row < 3; row++) {
    await page.keyboard.press('c');
    await page.keyboard.press('ArrowDown');
  }
  await expect(page.getByTestId('compare-bar')).toContainText('3');
  await page.keyboard.press('Shift+C');
  const panes = compare.locator('figure');
  await expect(panes).toHaveCount(3);
  await expect(compare.locator('canvas[data-drawn=true]')).toHaveCount(3);
  await page.keyboard.press('Alt+ArrowLeft');
  await page.keyboard.press('Alt+ArrowLeft');
  await expect(page.getByTestId('compare-step')).toHaveText('Step 7');
  for (const src of await panes.evaluateAll((all) => all.map((pane) => pane.getAttribute('data-src')))) expect(src).toMatch(/\/runs\/.*\/6\.png/);
  await page.keyboard.press('+');
  await expect(compare.getByText('150%')).toBeVisible();
  await panes.nth(2).getByRole('button', { name: 'Leave out of the comparison' }).click();
  await expect(panes).toHaveCount(2);
  await compare.getByRole('radio', { name: 'Split' }).check({ force: true });
  const handle = compare.getByRole('slider', { name: 'Where one picture gives way to the other' });
  await handle.focus();
  await page.keyboard.press('ArrowRight');
  await expect(handle).toHaveAttribute('aria-valuenow', '52');
  await page.keyboard.press('Escape');
  await expect(compare).toBeHidden();
});

test('something done to a run is done otherwise: it branches off before it and keeps what came later', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, rows, fork, log } = branches(app);
  await finishedRun(app);
  const branch = panel.getByRole('button', { name: /Go on from this step/ }).first();
  // Two changes at two steps, each by a branch of its own.
  for (const [step, field, value] of [['4', 'Guidance (CFG)', '7'], ['8', 'Guidance (CFG)', '2']] as const) {
    await branch.click();
    await fork.getByRole('slider', { name: 'Step to go on from' }).fill(step);
    await fork.getByRole('spinbutton', { name: field }).fill(value);
    await page.keyboard.press('Enter');
    await expect(fork).toBeHidden();
    await studio.waitFor('finished');
  }
  await expect(log.getByRole('listitem')).toHaveText([/After step 4.*guidance 7/, /After step 8.*guidance 2/]);
  await log.getByRole('button', { name: /Do it otherwise: guidance 7/ }).focus();
  await page.keyboard.press('Enter');
  await fork.getByRole('spinbutton', { name: 'Guidance (CFG)' }).fill('5');
  await expect(page.getByTestId('fork-summary')).toHaveText('After step 4 of 12: guidance 5; 1 later change stays');
  await page.keyboard.press('Enter');
  await expect(rows).toHaveCount(4);
  await studio.waitFor('finished');
  await expect(log.getByRole('listitem')).toHaveText([/After step 4.*guidance 5/, /After step 8.*guidance 2/]);
  expect(studio.problems).toEqual([]);
});

test('an entry has its curve and what it uses again done otherwise; a picture\'s settings replay what was done, unless it is left out', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, rows, fork, log } = branches(app);
  await finishedRun(app, 10);
  await panel.getByRole('button', { name: /Go on from this step/ }).first().press('Enter');
  await fork.getByRole('slider', { name: 'Step to go on from' }).fill('4');
  await fork.getByText('More guidance').click();
  await fork.getByRole('slider', { name: /^Point/ }).last().focus();
  for (let presses = 0; presses < 3; presses++) await page.keyboard.press('ArrowUp');
  await fork.getByRole('spinbutton', { name: 'CFG rescale' }).fill('0.5');
  await expect(page.getByTestId('fork-summary')).toHaveText('From step 4 of 10: guidance curve, CFG rescale 0.5');
  await fork.getByRole('spinbutton', { name: 'CFG rescale' }).press('Enter');
  await expect(rows).toHaveCount(2);
  await studio.waitFor('finished');
  await log.getByRole('button', { name: /Do it otherwise/ }).press('Enter');
  await fork.getByRole('combobox', { name: 'Draft: fewer model calls' }).selectOption('unconditional');
  await fork.getByRole('spinbutton', { name: 'CFG rescale' }).fill('0.2');
  await fork.getByRole('spinbutton', { name: 'CFG rescale' }).press('Enter');
  await expect(rows).toHaveCount(3);
  await studio.waitFor('finished');
  await expect(log.getByRole('listitem')).toHaveText([/After step 4.*guidance curve, CFG rescale 0.2, unconditional answer every 2 steps/]);

  await expect(studio.history.getByRole('img')).toHaveCount(3);
  const replay = page.getByTestId('replay');
  await expect(replay).toBeHidden();
  await page.getByRole('button', { name: 'Use all settings' }).press('Enter');
  await expect(replay).toContainText('1 change made to that run is made again');
  await studio.generate.click();
  await expect(studio.history.getByRole('img')).toHaveCount(4);
  await studio.waitFor('finished');
  // A run of its own, with the change at its place.
  await expect(page.getByTestId('mark')).toHaveAttribute('data-after', '3');
  await expect(page.getByTestId('mark')).toHaveAttribute('title', /Guidance curve\nCFG rescale 0.2/);
  await replay.getByRole('button', { name: 'Leave these changes out' }).press('Enter');
  await expect(replay).toBeHidden();
  expect(studio.problems).toEqual([]);
});

test('the tree is gone through and cleared by keyboard, and is there after a new start', async ({ start, restart }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, tree, rows, fork, shownId } = branches(app);
  await finishedRun(app, 10);
  await panel.getByRole('button', { name: /Go on from this step/ }).first().click();
  await fork.getByRole('spinbutton', { name: 'Guidance (CFG)' }).fill('1.5');
  await page.keyboard.press('Enter');
  await expect(rows).toHaveCount(2);
  await studio.waitFor('finished');
  const child = await shownId();
  await tree.locator('[aria-selected=true]').focus();
  await page.keyboard.press('ArrowUp');
  expect(await shownId()).not.toBe(child);
  await page.keyboard.press('ArrowDown');
  expect(await shownId()).toBe(child);

  const again = await restart(app);
  const after = branches(again);
  await again.studio.ready();
  await expect(after.rows).toHaveCount(2);
  await after.tree.locator('[aria-selected=true]').focus();
  await again.page.keyboard.press('End');
  await again.page.keyboard.press('Delete');
  await expect(after.tree).toBeHidden();
  await again.page.getByRole('button', { name: 'Undo' }).click();
  await expect(after.rows).toHaveCount(2);
});

test('a run that was stopped goes on as itself, one whose engine died branches off; later noise has variations', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, rows, fork, summary } = branches(app);
  await studio.ready();
  await studio.fill({ prompt, steps: 20, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(4);
  app.killEngine();
  await studio.waitFor('failed');
  await panel.getByRole('button', { name: /Go on from this step/ }).first().click();
  await expect(fork.getByTestId('fork-start')).toHaveText('Continue this run');
  await fork.getByRole('slider', { name: 'Step to go on from' }).fill('2');
  await expect(fork.getByText('DDIM adds no noise on its way', { exact: false })).toBeVisible();
  await fork.getByText('Sampler and steps').click();
  await fork.getByRole('combobox', { name: 'Sampler for the rest' }).selectOption('euler_a');
  await fork.getByRole('spinbutton', { name: 'Finish in steps' }).fill('4');
  await fork.getByRole('spinbutton', { name: 'Variations of later noise' }).fill('3');
  await expect(summary).toHaveText('From step 2 of 20: finish in 4 steps, Euler a, 3 variations');
  await expect(fork.getByTestId('fork-start')).toHaveText('Start 3 branches');
  await page.keyboard.press('Enter');
  await expect(rows).toHaveCount(4);
  await expect(studio.history.getByRole('img')).toHaveCount(3, { timeout: 40_000 });
  const seeds = await rows.evaluateAll((all) => all.map((row) => /noise seed (\d+)/.exec(row.getAttribute('aria-label') ?? '')?.[1] ?? ''));
  expect(new Set(seeds.slice(1)).size).toBe(3);
  await expect(studio.strip.getByRole('option')).toHaveCount(6);

  await rows.first().click();
  await studio.waitFor('failed');
  await panel.getByRole('button', { name: /Go on from this step/ }).first().click();
  await page.keyboard.press('Enter');
  await expect(studio.strip.getByRole('option').first()).toBeVisible();
  await expect(studio.canvas).not.toHaveAttribute('data-state', 'failed');
  await expect(rows).toHaveCount(4);
  await studio.waitForSteps(6);
  await rows.first().focus();
  await page.keyboard.press('Delete');
  await studio.waitFor('stopped');
});

test('a branch of a paused run takes its place at once', async ({ start }) => {
  const app = await start();
  const { page, studio } = app;
  const { panel, tree, rows, fork } = branches(app);
  await studio.ready();
  await studio.fill({ prompt, steps: 16, seed: '5', pace: 'Slow' });
  await studio.generate.click();
  await studio.waitForSteps(4);
  await page.getByRole('button', { name: /^Pause/ }).first().click();
  await studio.waitFor('paused');
  await panel.getByRole('button', { name: /Go on from this step/ }).first().click();
  await expect(fork.getByText('The paused run is stopped to make room; it can go on later.')).toBeVisible();
  await fork.getByRole('textbox', { name: 'Prompt', exact: true }).fill('a red house');
  await page.keyboard.press('Enter');
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toHaveAttribute('data-state', 'stopped');
  await studio.waitFor('finished');
  await expect(tree.locator('[aria-selected=true]')).toHaveAttribute('aria-label', /“a red house”, finished/);
});
