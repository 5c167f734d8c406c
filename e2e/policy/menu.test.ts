import type { MenuItemConstructorOptions } from 'electron';
import { beforeEach, expect, it, vi } from 'vitest';
import { createEventHub } from '../../electron/core/events.ts';
import { accelerator, installMenu, menuLanguage, menuTemplate, type MenuOptions } from '../../electron/desktop/menu.ts';
import { commands } from '../../shared/commands.ts';
import { defaultSettings } from '../../shared/contract.ts';
import type { Handlers } from '../../shared/rpc.ts';
import * as electron from './electronMock.ts';

vi.mock('electron', () => import('./electronMock.ts'));
beforeEach(() => vi.clearAllMocks());

function items(template: MenuItemConstructorOptions[]): MenuItemConstructorOptions[] {
  return template.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? items(item.submenu) : [])]);
}

const options: MenuOptions = { language: 'en', platform: 'linux', development: false, run: () => undefined };

it.each(['linux', 'darwin', 'win32'] as const)('offers every command once on %s, in both languages', (platform) => {
  for (const language of ['en', 'zh-CN'] as const) {
    const found = items(menuTemplate({ ...options, platform, language }));
    for (const { id } of commands) {
      const entries = found.filter((item) => item.id === id);
      expect(entries).toHaveLength(1);
      expect(entries[0]?.label).not.toBe('');
    }
  }
});

it('runs the command, and only shows its keys: the page listens to them itself', () => {
  const run = vi.fn();
  const generate = items(menuTemplate({ ...options, run })).find(({ id }) => id === 'generate');
  expect(generate).toMatchObject({ accelerator: 'CmdOrCtrl+Return', registerAccelerator: false });
  generate?.click?.({} as never, undefined, {} as never);
  expect(run).toHaveBeenCalledExactlyOnceWith('generate');
});

it("spells keys as Electron does, and leaves a Mac's Escape to the page", () => {
  expect(accelerator('Alt+ArrowLeft', 'linux')).toBe('Alt+Left');
  expect(accelerator('Escape', 'linux')).toBe('Esc');
  expect(accelerator('Escape', 'darwin')).toBeNull();
  expect(accelerator(null, 'linux')).toBeNull();
});

it('has the roles copying and pasting need, and developer tools only in a checkout', () => {
  const roles = (development: boolean): unknown[] => items(menuTemplate({ ...options, development })).map(({ role }) => role);
  expect(roles(false)).toEqual(expect.arrayContaining(['editMenu', 'windowMenu', 'quit', 'togglefullscreen']));
  expect(roles(false)).not.toContain('toggleDevTools');
  expect(roles(true)).toContain('toggleDevTools');
  expect(roles(true)).not.toContain('reload');
});

it('follows the language of the settings, else of the system', async () => {
  expect(menuLanguage('system', 'zh-TW')).toBe('zh-CN');
  expect(menuLanguage('system', 'de')).toBe('en');
  expect(menuLanguage('en', 'zh-CN')).toBe('en');
  const events = createEventHub();
  await installMenu({ events, handlers: { 'settings.get': () => defaultSettings } as unknown as Handlers });
  events.emit('settings', { ...defaultSettings, language: 'zh-CN' });
  expect(electron.Menu.setApplicationMenu).toHaveBeenCalledTimes(2);
  expect(JSON.stringify(electron.Menu.setApplicationMenu.mock.calls[1])).toContain('生成');
});
