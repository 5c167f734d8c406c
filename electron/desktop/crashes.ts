import { app, crashReporter, dialog, type WebContents } from 'electron';

/** Crash dumps are written beside the app's data and go nowhere. */
export function startCrashReporter(): void {
  crashReporter.start({ uploadToServer: false });
}

/** Logs what dies, and offers to load a dead page again: the core and its jobs are still there. */
export function watchForCrashes(): void {
  app.on('render-process-gone', (_event, contents, { reason, exitCode }) => {
    console.error(`A window's page ended: ${reason}, exit code ${exitCode}`);
    if (reason !== 'clean-exit') void offerReload(contents);
  });
  app.on('child-process-gone', (_event, { type, name, reason, exitCode }) => {
    console.error(`${name ?? type} ended: ${reason}, exit code ${exitCode}`);
  });
  process.on('unhandledRejection', (reason) => console.error('Nobody handled this:', reason));
}

/** The app cannot go on. */
export function logFatal(error: unknown): void {
  console.error('Stopbath could not start.', error);
  dialog.showErrorBox('Stopbath', `Stopbath could not start.\n\n${error instanceof Error ? error.message : String(error)}`);
  app.exit(1);
}

async function offerReload(contents: WebContents): Promise<void> {
  const { response } = await dialog.showMessageBox({
    type: 'error',
    message: 'The window stopped unexpectedly.',
    detail: 'Your jobs go on. Load the window again to see them.',
    buttons: ['Load again', 'Quit'],
    defaultId: 0,
  });
  if (response === 1) app.quit();
  else if (!contents.isDestroyed()) contents.reload();
}
