import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import type { Settings } from '../../shared/contract.ts';
import { commands, type Command, type CommandId } from '../../shared/commands.ts';
import type { App } from '../core/app.ts';
import { menuLabels, type MenuLanguage } from './menuLabels.ts';

export interface MenuOptions {
  readonly language: MenuLanguage;
  readonly platform: NodeJS.Platform;
  /** A checkout, not an installed app: developer tools are offered. */
  readonly development: boolean;
  readonly run: (command: CommandId) => void;
}

/** Sets the menu, and sets it again when the language changes. */
export async function installMenu({ handlers, events }: Pick<App, 'handlers' | 'events'>): Promise<void> {
  const install = ({ language }: Settings): void => {
    const options: MenuOptions = {
      language: menuLanguage(language, app.getLocale()),
      platform: process.platform,
      development: !app.isPackaged,
      run: (command) => events.emit('command', { command }),
    };
    Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(options)));
  };
  install(await handlers['settings.get']({}));
  events.on((name, value) => {
    if (name === 'settings' && typeof value === 'object' && 'language' in value) install(value);
  });
}

export function menuLanguage(setting: Settings['language'], locale: string): MenuLanguage {
  if (setting !== 'system') return setting;
  return locale.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

/** The menu as data. */
export function menuTemplate(options: MenuOptions): MenuItemConstructorOptions[] {
  const label = menuLabels[options.language];
  const isMac = options.platform === 'darwin';
  const entries = (menu: Command['menu']): MenuItemConstructorOptions[] =>
    commands.filter((command) => command.menu === menu).map((command) => entry(command, options));
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  return [
    ...(isMac ? [{ role: 'appMenu' } as const] : []),
    { label: label['menu.file'], submenu: [...entries('file'), separator, { role: isMac ? 'close' : 'quit' }] },
    // On a Mac copying and pasting work only through these entries.
    { label: label['menu.edit'], role: 'editMenu' },
    { label: label['menu.generate'], submenu: entries('generate') },
    {
      label: label['menu.view'],
      submenu: [
        ...entries('view'),
        separator,
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        ...(options.development ? [separator, { role: 'toggleDevTools' } as const] : []),
      ],
    },
    { role: 'windowMenu' },
    { label: label['menu.help'], role: 'help', submenu: entries('help') },
  ];
}

function entry(command: (typeof commands)[number], { language, platform, run }: MenuOptions): MenuItemConstructorOptions {
  const keys = accelerator(command.keys, platform);
  return {
    id: command.id,
    label: menuLabels[language][command.id],
    click: () => run(command.id),
    // The page listens to the keys itself, in both hosts; here they are only shown.
    ...(keys === null ? {} : { accelerator: keys, registerAccelerator: false }),
  };
}

const electronKeys: Readonly<Record<string, string>> = {
  Mod: 'CmdOrCtrl',
  Enter: 'Return',
  Escape: 'Esc',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
};

/** Electron's spelling. A Mac registers what it shows, and Escape has to stay with the page's dialogs. */
export function accelerator(keys: string | null, platform: NodeJS.Platform): string | null {
  if (keys === null || (keys === 'Escape' && platform === 'darwin')) return null;
  return keys
    .split('+')
    .map((key) => electronKeys[key] ?? key)
    .join('+');
}
