import { app, BrowserWindow, dialog, net, session } from 'electron';
import { toFailure } from '../shared/errors.ts';
import { openApp, type App } from './core/app.ts';
import { createChromiumSend } from './desktop/chromiumSend.ts';
import { watchForCrashes } from './desktop/crashes.ts';
import { serveWindows } from './desktop/ipc.ts';
import { lockNavigation } from './desktop/links.ts';
import { installMenu } from './desktop/menu.ts';
import { blockNetwork } from './desktop/network.ts';
import { restrictPermissions } from './desktop/permissions.ts';
import { serveAppScheme } from './desktop/protocol.ts';
import { followTheme } from './desktop/theme.ts';
import { openWindow } from './desktop/window.ts';
import { createElectronHost } from './hosts/electronHost.ts';
import { takeInstanceLock, type InstanceLock } from './hosts/instanceLock.ts';
import { hostPaths } from './hosts/paths.ts';

/** Puts the desktop app together. The policies stand before anything can open a window. */
export async function boot(): Promise<void> {
  const paths = hostPaths(app.isPackaged ? process.resourcesPath : undefined);
  watchForCrashes();
  lockNavigation();
  restrictPermissions();
  blockNetwork();

  const lock = await takeInstanceLock(paths.data);
  if (lock.kind === 'taken') {
    const where = lock.address === null ? '' : `\n\n${lock.address}`;
    dialog.showErrorBox('Stopbath', `Stopbath is already running on ${paths.data} (process ${lock.pid}).${where}`);
    app.exit(2);
    return;
  }
  const core = await openCore(paths, lock);
  if (core === null) return;

  serveAppScheme(core.fetchUi);
  serveWindows(core);
  await followTheme(core);
  await installMenu(core);
  const show = (): void => {
    const [window] = BrowserWindow.getAllWindows();
    if (window === undefined) openWindow(paths.preload);
    else focus(window);
  };
  app.on('second-instance', show);
  app.on('activate', show);
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  closeBeforeQuit(core, lock);
  openWindow(paths.preload);
}

async function openCore(paths: ReturnType<typeof hostPaths>, lock: Extract<InstanceLock, { kind: 'ours' }>): Promise<App | null> {
  const host = createElectronHost({
    engineEntry: paths.engineEntry,
    assets: paths.assets,
    window: () => BrowserWindow.getFocusedWindow(),
    saveFolder: app.getPath('pictures'),
    // In memory, and apart from the pages' session, which has no network.
    send: createChromiumSend((request) => net.request(request), session.fromPartition('stopbath-network', { cache: false })),
  });
  try {
    return await openApp({ host, paths });
  } catch (error) {
    const { message, nextStep, detail } = toFailure(error);
    dialog.showErrorBox('Stopbath', [message, nextStep, detail].filter((line) => line !== undefined).join('\n\n'));
    lock.release();
    app.exit(1);
    return null;
  }
}

function focus(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore();
  window.focus();
}

/** Quitting waits for the engine to end and for the queue to be on disk. */
function closeBeforeQuit(core: App, lock: Extract<InstanceLock, { kind: 'ours' }>): void {
  let closing = false;
  app.on('will-quit', (event) => {
    event.preventDefault();
    if (closing) return;
    closing = true;
    void core.close().finally(() => {
      lock.release();
      app.exit(0);
    });
  });
}
