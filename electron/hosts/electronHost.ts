import { dialog, safeStorage, shell, utilityProcess, type BrowserWindow } from 'electron';
import { basename, dirname, join } from 'node:path';
import { engineAssetsVariable, engineCacheVariable, type EngineExit, type EngineProcess, type Host, type SecretKeeper } from '../core/host.ts';

export interface ElectronHostOptions {
  readonly engineEntry: string;
  /** The app's own models and tokenizers. */
  readonly assets: string;
  /** The window that dialogs belong to. */
  readonly window: () => BrowserWindow | null;
  /** Where saved pictures went last, or should go first. */
  readonly saveFolder: string;
  /** Chromium's network stack. */
  readonly send: Host['send'];
}

export function createElectronHost(options: ElectronHostOptions): Host {
  let saveFolder = options.saveFolder;
  let modelFolder: string | undefined;
  return {
    kind: 'electron',
    platform: process.platform,
    startEngine: (cacheFolder) => forkUtilityEngine(options.engineEntry, cacheFolder, options.assets),
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
    pickModel: async (kind) => {
      const window = options.window();
      const settings = {
        properties: [kind === 'folder' ? ('openDirectory' as const) : ('openFile' as const)],
        ...(modelFolder === undefined ? {} : { defaultPath: modelFolder }),
        ...(kind === 'file' ? { filters: [{ name: 'Safetensors', extensions: ['safetensors'] }] } : {}),
      };
      const answer = await (window === null ? dialog.showOpenDialog(settings) : dialog.showOpenDialog(window, settings));
      const [path] = answer.filePaths;
      if (answer.canceled || path === undefined) return null;
      modelFolder = dirname(path);
      return path;
    },
    secrets: electronSecrets(),
    send: options.send,
  };
}

/** Without a password store, Linux "encrypts" with a key that is part of Chromium: that is none. */
function electronSecrets(): SecretKeeper {
  return {
    isSafe: async () => {
      if (process.platform === 'linux' && ['basic_text', 'unknown'].includes(safeStorage.getSelectedStorageBackend())) return false;
      return await safeStorage.isAsyncEncryptionAvailable();
    },
    encrypt: (text) => safeStorage.encryptStringAsync(text),
    decrypt: async (bytes) => (await safeStorage.decryptStringAsync(Buffer.from(bytes))).result,
  };
}

/** The engine as a utility process: it works where `child_process.fork` is switched off by the runAsNode fuse. */
export function forkUtilityEngine(entry: string, cacheFolder: string, assets: string): EngineProcess {
  const child = utilityProcess.fork(entry, [], {
    serviceName: 'Stopbath engine',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, [engineCacheVariable]: cacheFolder, [engineAssetsVariable]: assets },
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
