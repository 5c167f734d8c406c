import { BrowserWindow, nativeTheme } from 'electron';
import { appAddress } from './address.ts';

/** Shown before the page has painted, in the colours of its two themes. */
const background = { light: '#f6f5f3', dark: '#141312' } as const;

export function openWindow(preload: string): BrowserWindow {
  const window = new BrowserWindow({
    name: 'main',
    windowStatePersistence: true,
    width: 1280,
    height: 860,
    minWidth: 420,
    minHeight: 480,
    title: 'Stopbath',
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? background.dark : background.light,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      // Chromium would fetch its dictionaries from the network.
      spellcheck: false,
    },
  });
  window.once('ready-to-show', () => window.show());
  void window.loadURL(appAddress);
  return window;
}
