import { dialog, shell, utilityProcess, type BrowserWindow } from 'electron';
import { basename, join } from 'node:path';
import { engineCacheVariable, type EngineExit, type EngineProcess, type Host } from '../core/host.ts';

export interface ElectronHostOptions {
  readonly engineEntry: string;
  /** The window that dialogs belong to. */
  readonly window: () => BrowserWindow | null;
  /** Where saved pictures went last, or should go first. */
  readonly saveFolder: string;
}

export function createElectronHost(options: ElectronHostOptions): Host {
  let saveFolder = options.saveFolder;
  return {
    kind: 'electron',
    platform: process.platform,
    startEngine: (cacheFolder) => forkUtilityEngine(options.engineEntry, cacheFolder),
    reveal: (path) => shell.showItemInFolder(path),
    pickSavePath: async (suggestedName) => {
      const window = options.window();
      const settings = {
        defaultPath: join(saveFolder, basename(suggestedName)),
        filters: [{ name: 'PNG', extensions: ['png'] }],
      };
      const answer = await (window === null ? dialog.showSaveDialog(settings) : dialog.showSaveDialog(window, settings));
      if (answer.canceled || answer.filePath === '') return null;
      saveFolder = join(answer.filePath, '..');
      return answer.filePath;
    },
  };
}

/** The engine as a utility process: it works where `child_process.fork` is switched off by the runAsNode fuse. */
export function forkUtilityEngine(entry: string, cacheFolder: string): EngineProcess {
  const child = utilityProcess.fork(entry, [], {
    serviceName: 'Stopbath engine',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, [engineCacheVariable]: cacheFolder },
  });
  let ended = false;
  return {
    get pid() {
      return child.pid;
    },
    send: (command) => {
      if (!ended) child.postMessage(command);
    },
    onMessage: (listener) => {
      child.on('message', listener);
    },
    onStderr: (listener) => {
      child.stderr?.on('data', (chunk: Buffer) => listener(chunk.toString('utf8')));
    },
    onExit: (listener) => {
      child.once('exit', (code) => {
        ended = true;
        listener(exitOf(code));
      });
    },
    kill: () => {
      // child.kill() asks with SIGTERM, which a native call in progress may never see.
      if (child.pid === undefined) child.kill();
      else tryKill(child.pid);
    },
  };
}

/** Electron tells one number. On POSIX a process that a signal ended gives the signal's, or 128 more. */
export function exitOf(code: number, platform: NodeJS.Platform = process.platform): EngineExit {
  if (platform !== 'win32' && (code === 9 || code === 137)) return { code: null, signal: 'SIGKILL' };
  return { code, signal: null };
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
