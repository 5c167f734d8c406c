import { app } from 'electron';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from './core/dataFolder.ts';
import { logFatal, startCrashReporter } from './desktop/crashes.ts';
import { registerAppScheme } from './desktop/protocol.ts';

/**
 * Only what must happen before Electron is ready, and nothing that waits: Electron becomes ready after this module has
 * run to its end, so a top-level await here would wait for ever (electron/electron#40719).
 */
function beforeReady(): void {
  const userData = join(dataFolder(), 'chromium');
  mkdirSync(userData, { recursive: true, mode: 0o700 });
  app.setPath('userData', userData);
  // The first Stopbath shows its window instead (boot.ts, second-instance).
  if (!app.requestSingleInstanceLock()) {
    app.exit(0);
    return;
  }
  app.enableSandbox();
  registerAppScheme();
  startCrashReporter();
  void app
    .whenReady()
    .then(() => import('./boot.ts'))
    .then(({ boot }) => boot())
    .catch(logFatal);
}

beforeReady();
