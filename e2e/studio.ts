import type { Locator, Page } from '@playwright/test';
import { expect } from '@playwright/test';

export interface FormValues {
  prompt?: string;
  steps?: number;
  guidance?: number;
  seed?: string;
  pictures?: number;
  pace?: 'Watch' | 'Slow' | 'Full speed';
}

/** The interface as a person sees it: what specs may touch. Locators live here and nowhere else. */
export class Studio {
  readonly page: Page;
  /** Console errors and uncaught exceptions of the page so far. */
  readonly problems: string[];
  readonly prompt: Locator;
  readonly steps: Locator;
  readonly guidance: Locator;
  readonly seed: Locator;
  readonly pictures: Locator;
  readonly generate: Locator;
  readonly stop: Locator;
  readonly canvas: Locator;
  readonly strip: Locator;
  readonly history: Locator;
  readonly queue: Locator;
  readonly device: Locator;

  constructor(page: Page, problems: string[]) {
    this.page = page;
    this.problems = problems;
    this.prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
    this.steps = page.getByRole('spinbutton', { name: 'Steps', exact: true });
    this.guidance = page.getByRole('form').getByRole('spinbutton', { name: /Guidance/ });
    this.seed = page.getByRole('textbox', { name: 'Seed', exact: true });
    this.pictures = page.getByRole('spinbutton', { name: /pictures/i });
    this.generate = page.getByTestId('generate');
    this.stop = page.getByTestId('stop');
    this.canvas = page.getByTestId('canvas');
    this.strip = page.getByTestId('strip');
    this.history = page.getByTestId('history');
    this.queue = page.getByTestId('queue');
    this.device = page.getByTestId('device');
  }

  async ready(): Promise<void> {
    await expect(this.generate).toBeEnabled();
  }

  async fill(values: FormValues): Promise<void> {
    if (values.prompt !== undefined) await this.prompt.fill(values.prompt);
    if (values.steps !== undefined) await this.setNumber(this.steps, values.steps);
    if (values.guidance !== undefined) await this.setNumber(this.guidance, values.guidance);
    if (values.pictures !== undefined) await this.setNumber(this.pictures, values.pictures);
    if (values.seed !== undefined) await this.seed.fill(values.seed);
    if (values.pace !== undefined) await this.page.getByRole('form').getByRole('radio', { name: values.pace }).click();
  }

  async setNumber(field: Locator, value: number): Promise<void> {
    await field.fill(String(value));
    await field.press('Tab');
  }

  state(): Promise<string | null> {
    return this.canvas.getAttribute('data-state');
  }

  async waitFor(state: string): Promise<void> {
    await expect(this.canvas).toHaveAttribute('data-state', state, { timeout: 40_000 });
  }

  /** Waits until at least `count` steps of the shown run are done. */
  async waitForSteps(count: number): Promise<void> {
    await expect.poll(async () => Number((await this.canvas.getAttribute('data-step')) ?? 0), { timeout: 40_000 }).toBeGreaterThanOrEqual(count);
  }
}
