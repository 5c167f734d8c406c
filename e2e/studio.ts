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
  readonly pictureField: Locator;
  readonly pictureFile: Locator;
  readonly maskSurface: Locator;
  readonly maskStatus: Locator;
  readonly maskTools: Locator;

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
    this.pictureField = page.getByTestId('picture-field');
    this.pictureFile = this.pictureField.locator('input[type=file]');
    this.maskSurface = page.getByTestId('mask-surface');
    this.maskStatus = page.getByTestId('mask-status');
    this.maskTools = page.getByTestId('mask-tools');
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

  async turnTo(task: 'Text' | 'Image' | 'Inpaint'): Promise<void> {
    await this.page.getByRole('tab', { name: task, exact: true }).click();
  }

  async choosePicture(buffer: Buffer, name = 'start.png', mimeType = 'image/png'): Promise<void> {
    await this.pictureFile.setInputFiles({ name, mimeType, buffer });
  }

  /** A file let go over the window, as a file manager would. */
  async dropPicture(buffer: Buffer, name: string, mimeType: string): Promise<void> {
    const data = await this.page.evaluateHandle(
      ([bytes, fileName, type]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(bytes)], fileName, { type }));
        return transfer;
      },
      [[...buffer], name, mimeType] as const,
    );
    await this.canvas.dispatchEvent('dragover', { dataTransfer: data });
    await expect(this.page.getByText('Drop the picture to start from it')).toBeVisible();
    await this.canvas.dispatchEvent('drop', { dataTransfer: data });
  }

  /** A stroke through places of the surface, in shares of its sides. */
  async paint(...places: readonly (readonly [number, number])[]): Promise<void> {
    const box = await this.maskSurface.boundingBox();
    if (box === null) throw new Error('The painting surface is not there.');
    const at = ([x, y]: readonly [number, number]): [number, number] => [box.x + box.width * x, box.y + box.height * y];
    const [first, ...others] = places;
    if (first === undefined) return;
    await this.page.mouse.move(...at(first));
    await this.page.mouse.down();
    for (const place of others) await this.page.mouse.move(...at(place), { steps: 6 });
    await this.page.mouse.up();
  }

  /** Share of the picture that the interface says is masked, in percent. */
  async masked(): Promise<number> {
    return Number(/(\d+)\s*%/.exec((await this.maskStatus.textContent()) ?? '')?.[1] ?? 0);
  }
}
