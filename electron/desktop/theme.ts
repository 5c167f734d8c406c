import { nativeTheme } from 'electron';
import type { App } from '../core/app.ts';

/** The system's parts of the window, and `prefers-color-scheme` in the page, follow the setting. */
export async function followTheme({ handlers, events }: Pick<App, 'handlers' | 'events'>): Promise<void> {
  nativeTheme.themeSource = (await handlers['settings.get']({})).theme;
  events.on((name, value) => {
    if (name === 'settings' && typeof value === 'object' && 'theme' in value) nativeTheme.themeSource = value.theme;
  });
}
