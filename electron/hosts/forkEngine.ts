import { fork, type ChildProcess } from 'node:child_process';
import { engineAssetsVariable, engineCacheVariable, type EngineExit, type EngineProcess } from '../core/host.ts';

/** After the process has ended its last words may still be in the pipe, for at most this long. */
const lastWordsMs = 500;

/**
 * The engine as a child of plain Node. It ends by itself when this process dies: the channel between them closes.
 * @param assets the app's own models and tokenizers; left out: those above the engine's own file
 */
export function forkEngine(entry: string, cacheFolder: string, assets = ''): EngineProcess {
  const child = fork(entry, [], {
    // Typed arrays pass as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    env: { ...process.env, [engineCacheVariable]: cacheFolder, [engineAssetsVariable]: assets },
  });
  child.stderr?.setEncoding('utf8');
  return {
    pid: child.pid,
    send: (command) => {
      if (child.connected) child.send(command, () => undefined);
    },
    onMessage: (listener) => {
      child.on('message', listener);
    },
    onStderr: (listener) => {
      child.stderr?.on('data', listener);
    },
    onExit: (listener) => onceEnded(child, listener),
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

function onceEnded(child: ChildProcess, listener: (exit: EngineExit) => void): void {
  let told = false;
  const tell = (code: number | null, signal: string | null): void => {
    if (told) return;
    told = true;
    listener({ code, signal });
  };
  child.on('close', tell);
  child.on('exit', (code, signal) => {
    setTimeout(() => tell(code, signal), lastWordsMs).unref();
  });
  // Could not be started: there will be no exit.
  child.on('error', () => {
    if (child.pid === undefined) tell(null, null);
  });
}
