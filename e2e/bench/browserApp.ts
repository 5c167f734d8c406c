import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium, type Browser } from '@playwright/test';
import { startWeb, type App } from '../app.ts';
import { findBrowser } from '../browser.ts';

/** The built app in a real browser at 1280 x 800, with a data folder of its own that is gone afterwards. */
export async function withBrowserApp<T>(work: (app: App, browser: Browser) => Promise<T>, env: Record<string, string> = {}): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-bench-'));
  const browser = await chromium.launch(await findBrowser());
  const app = await startWeb(browser, folder, { env });
  try {
    return await work(app, browser);
  } finally {
    await app.end();
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
