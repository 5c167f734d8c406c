import path from 'node:path';
import { expect, type App } from './app.ts';
import { filesOf, type TestHub } from './hub/server.ts';

export const starter = path.resolve(import.meta.dirname, '../assets/starter');

/** The built-in model's files as a repository of a hub on this machine. */
export function modelFiles(): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(filesOf(starter)).filter(([name]) => /^(unet|vae_|text_encoder|tokenizer|scheduler|model_index)/.test(name)));
}

/** What makes the app take a hub of this machine for the real one. */
export function hubEnv(hub: TestHub): Record<string, string> {
  return { STOPBATH_HUB: hub.url, STOPBATH_HUB_HOSTS: hub.cdnHost };
}

export async function openModels({ page }: App): Promise<void> {
  await page.getByTestId('model-chip').click();
  await expect(page.locator('#models-at')).toBeFocused();
}

export async function look({ page }: App, at: string): Promise<void> {
  await page.locator('#models-at').fill(at);
  await page.keyboard.press('Enter');
}
