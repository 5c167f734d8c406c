import { toFailure } from '../../shared/errors.ts';
import { openApp } from '../core/app.ts';
import type { Host } from '../core/host.ts';
import { forkEngine } from './forkEngine.ts';
import { takeInstanceLock } from './instanceLock.ts';
import { hostPaths } from './paths.ts';
import { startWebHost } from './webHost.ts';

export interface ServeOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly print: (line: string) => void;
  /** Called once, with the address that opens the app here or in the Stopbath that runs already. */
  readonly onAddress: (address: string) => void;
}

/**
 * Serves the app until a signal ends it. @returns the exit code: 0 after a signal, 1 when the app could not be opened, 2
 * when another Stopbath has the data folder.
 */
export async function serveApp(options: ServeOptions): Promise<number> {
  const found = hostPaths();
  // Tests put a small real process in the engine's place.
  const paths = { ...found, engineEntry: process.env['STOPBATH_ENGINE'] ?? found.engineEntry };
  const lock = await takeInstanceLock(paths.data);
  if (lock.kind === 'taken') {
    const where = lock.address === null ? '' : ` It is at ${lock.address}`;
    options.print(`Stopbath is already running on ${paths.data} (process ${lock.pid}).${where}`);
    if (lock.address !== null) options.onAddress(lock.address);
    return 2;
  }
  try {
    await serveUntilSignal(paths, options, lock.setAddress);
    return 0;
  } catch (error) {
    const { message, nextStep, detail } = toFailure(error);
    options.print([message, nextStep, detail].filter((line) => line !== undefined).join('\n'));
    return 1;
  } finally {
    lock.release();
  }
}

async function serveUntilSignal(
  paths: ReturnType<typeof hostPaths>,
  options: ServeOptions,
  announce: (address: string) => void,
): Promise<void> {
  const signal = nextSignal();
  const host: Host = {
    kind: 'web',
    platform: process.platform,
    startEngine: (cacheFolder) => forkEngine(paths.engineEntry, cacheFolder, paths.assets),
    reveal: null,
    pickSavePath: null,
    pickModel: null,
    // A browser may be anywhere; what the person gives is kept in memory.
    secrets: null,
    send: null,
  };
  const app = await openApp({ host, paths });
  try {
    const web = await startWebHost({ app, port: options.port, onAddress: announce });
    const address = web.address();
    announce(address);
    options.print(`Stopbath is at ${address}`);
    options.onAddress(address);
    await signal;
    await web.close();
  } finally {
    await app.close();
  }
}

/**
 * Ctrl+C, a service manager's end, a closed terminal; for a program that started us with a channel, its death. A second
 * signal does not wait for anything.
 */
function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('disconnect', resolve);
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve();
      });
    }
  });
}
