import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The folder of the npm package, or null. Never `require('electron')`: outside Electron that starts a download. */
function electronPackage(root: string): string | null {
  try {
    return dirname(createRequire(join(root, 'package.json')).resolve('electron/package.json'));
  } catch {
    return null;
  }
}

function executableName(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'win32':
      return 'electron.exe';
    case 'darwin':
      return join('Electron.app', 'Contents', 'MacOS', 'Electron');
    default:
      return 'electron';
  }
}

/** Electron's executable, when it is on this machine. It does not come with the npm package. */
export function findElectron(root: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const folder = electronPackage(root);
  const dist = env['ELECTRON_OVERRIDE_DIST_PATH'] ?? (folder === null ? null : join(folder, 'dist'));
  if (dist === null) return null;
  const executable = join(dist, executableName(process.platform));
  return existsSync(executable) ? executable : null;
}

const reachableWithinMs = 5_000;
const fetchWithinMs = 10 * 60_000;

/** Fetches Electron's executable by the package's own script. Quiet, and quick to give up where its server cannot be reached. */
export async function fetchElectron(root: string, print: (line: string) => void): Promise<string | null> {
  const folder = electronPackage(root);
  const script = folder === null ? null : join(folder, 'install.js');
  if (script === null || !existsSync(script) || !(await isReachable())) return null;
  print('Fetching Electron, about 120 MB, once. Ctrl+C ends; `--serve` does without it.');
  await new Promise<void>((resolve) => {
    const child = spawn(process.execPath, [script], { stdio: 'ignore', timeout: fetchWithinMs });
    child.on('error', () => resolve());
    child.on('close', () => resolve());
  });
  return findElectron(root);
}

async function isReachable(): Promise<boolean> {
  const server = process.env['ELECTRON_MIRROR'] ?? 'https://github.com/electron/electron/releases/';
  try {
    await fetch(server, { method: 'HEAD', signal: AbortSignal.timeout(reachableWithinMs) });
    return true;
  } catch {
    return false;
  }
}

/** How a run of Electron ended: `broken` when it could not even start, e.g. for a missing system library. */
export type ElectronEnd = { readonly kind: 'ended'; readonly code: number } | { readonly kind: 'broken'; readonly reason: string };

const startWithinMs = 5_000;

export function runElectron(executable: string, root: string): Promise<ElectronEnd> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const child = spawn(executable, [root], { stdio: ['ignore', 'inherit', 'pipe'] });
    let lastLine = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      process.stderr.write(text);
      lastLine = text.trim().split('\n').at(-1) ?? lastLine;
    });
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    process.on('SIGINT', forward).on('SIGTERM', forward);
    const done = (end: ElectronEnd): void => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve(end);
    };
    child.on('error', (error) => done({ kind: 'broken', reason: error.message }));
    child.on('close', (code, signal) => {
      const failed = code !== 0 && !['SIGINT', 'SIGTERM'].includes(signal ?? '');
      if (failed && performance.now() - startedAt < startWithinMs) done({ kind: 'broken', reason: lastLine });
      else done({ kind: 'ended', code: code ?? 1 });
    });
  });
}
