import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { startWeb } from '../app.ts';
import { findBrowser } from '../browser.ts';

export interface StopSample {
  /** From the click in the page to the changed screen, ms, measured in the page. */
  readonly acknowledgedMs: number;
  /** Steps that were reported finished after the click. */
  readonly stepsAfter: number;
}

/** Presses Stop in a real browser at moments spread over the run and watches the screen. */
export async function measureStops(count: number): Promise<StopSample[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-bench-'));
  const browser = await chromium.launch(await findBrowser());
  const app = await startWeb(browser, folder, {});
  const samples: StopSample[] = [];
  try {
    await app.studio.ready();
    await app.studio.fill({ prompt: 'a red house', steps: 200, seed: '1', pace: 'Full speed' });
    for (let index = 0; index < count; index++) {
      await app.studio.generate.click();
      await app.studio.waitForSteps(2 + (index % 5) * 3);
      samples.push(
        await app.page.evaluate(async () => {
          const canvas = document.querySelector('[data-testid=canvas]');
          const button = document.querySelector<HTMLButtonElement>('[data-testid=stop]');
          if (canvas === null || button === null) throw new Error('No canvas or no Stop button.');
          const step = (): number => Number(canvas.getAttribute('data-step'));
          const settled = (): boolean => canvas.getAttribute('data-stopping') === 'true' || canvas.getAttribute('data-state') === 'stopped';
          const until = (done: () => boolean): Promise<void> =>
            new Promise((resolve) => {
              const observer = new MutationObserver(() => {
                if (!done()) return;
                observer.disconnect();
                resolve();
              });
              observer.observe(canvas, { attributes: true });
              if (done()) resolve();
            });
          const before = step();
          const clicked = performance.now();
          button.click();
          await until(settled);
          const acknowledgedMs = performance.now() - clicked;
          await until(() => canvas.getAttribute('data-state') === 'stopped');
          return { acknowledgedMs, stepsAfter: step() - before };
        }),
      );
    }
  } finally {
    await app.end();
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return samples;
}
