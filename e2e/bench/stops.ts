import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { startWeb } from '../app.ts';
import { findBrowser } from '../browser.ts';

export interface StopSample {
  /** From the click in the page to the changed screen, ms, measured in the page. */
  readonly acknowledgedMs: number;
  /** Steps that were reported finished after the app had taken the stop. */
  readonly stepsAfter: number;
}

/** Presses Stop in a real browser at moments spread over the run and watches the screen. */
export async function measureStops(count: number): Promise<StopSample[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-bench-'));
  const browser = await chromium.launch(await findBrowser());
  const app = await startWeb(browser, folder, {});
  const samples: StopSample[] = [];
  let stopping = false;
  let stepsAfter = 0;
  app.page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      const text = String(payload);
      if (!text.startsWith('{"event":"job"')) return;
      if (text.includes('"kind":"stopping"')) stopping = true;
      else if (stopping && text.includes('"kind":"step"')) stepsAfter++;
    });
  });
  try {
    // A new connection, so that its messages can be listened to.
    await app.page.reload();
    await app.studio.ready();
    await app.studio.fill({ prompt: 'a red house', steps: 200, seed: '1', pace: 'Full speed' });
    for (let index = 0; index < count; index++) {
      await app.studio.generate.click();
      await app.studio.waitFor('running');
      await app.studio.waitForSteps(2 + (index % 5) * 3);
      stopping = false;
      stepsAfter = 0;
      const acknowledgedMs = await app.page.evaluate(async () => {
        const canvas = document.querySelector('[data-testid=canvas]');
        const button = document.querySelector<HTMLButtonElement>('[data-testid=stop]');
        if (canvas === null || button === null) throw new Error('No canvas or no Stop button.');
        const clicked = performance.now();
        const seen = new Promise<number>((resolve, reject) => {
          setTimeout(() => reject(new Error('Stop was not answered in 10 s.')), 10_000);
          const look = (): void => {
            const state = canvas.getAttribute('data-state');
            if (state !== 'stopping' && state !== 'stopped') return;
            observer.disconnect();
            // When the change has been painted.
            requestAnimationFrame(() => resolve(performance.now() - clicked));
          };
          const observer = new MutationObserver(look);
          observer.observe(canvas, { attributes: true });
        });
        button.click();
        return await seen;
      });
      await app.studio.waitFor('stopped');
      samples.push({ acknowledgedMs, stepsAfter });
    }
  } finally {
    await app.end();
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return samples;
}
