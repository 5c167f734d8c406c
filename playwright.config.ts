import { defineConfig } from '@playwright/test';
import { findBrowser } from './e2e/browser.ts';

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // Every spec starts its own app with its own data folder; on two cores a second engine only slows the first.
  workers: 1,
  retries: 0,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    launchOptions: await findBrowser(),
    viewport: { width: 1280, height: 800 },
    // A trace costs the runner as much again as the spec itself: `playwright test --trace retain-on-failure` where one is wanted.
    trace: 'off',
    screenshot: 'only-on-failure',
  },
});
