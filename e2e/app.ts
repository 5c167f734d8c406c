import { spawn, type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { _electron, expect, test as base, type Browser, type ElectronApplication, type Page } from '@playwright/test';
import { Studio } from './studio.ts';

const root = path.resolve(import.meta.dirname, '..');

/** A running app with a data folder of its own. The same specs drive both hosts. */
export interface App {
  readonly kind: 'web' | 'electron';
  readonly page: Page;
  readonly studio: Studio;
  readonly dataFolder: string;
  /** Everything the app printed. */
  log(): string;
  /** Ends the engine process with a segmentation fault, as a crashing driver would. */
  killEngine(): void;
  end(): Promise<void>;
  /** Starts another one on the same data folder; use the fixture's `restart`, which also closes it after the spec. */
  again(): Promise<App>;
}

/** Real Electron's executable, where it is installed. Never downloads. */
function electronBinary(): string | null {
  const folder = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? path.join(path.dirname(createRequire(import.meta.url).resolve('electron/package.json')), 'dist');
  const names = ['electron', 'electron.exe', 'Electron.app/Contents/MacOS/Electron'];
  return names.map((name) => path.join(folder, name)).find((file) => existsSync(file)) ?? null;
}

const windowsProcesses = 'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId) $($_.CommandLine)" }';

/** All processes below a process, as [pid, command line]. */
function descendants(pid: number): [number, string][] {
  const list =
    process.platform === 'win32'
      ? execFileSync('powershell', ['-NoProfile', '-Command', windowsProcesses], { encoding: 'utf8' })
      : execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  const rows = list
    .split('\n')
    .map((row) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row))
    .filter((match) => match !== null)
    .map((match) => ({ pid: Number(match[1]), parent: Number(match[2]), args: match[3] ?? '' }));
  const found: [number, string][] = [];
  const queue = [pid];
  while (queue.length > 0) {
    const parent = queue.shift();
    for (const row of rows.filter((candidate) => candidate.parent === parent)) {
      found.push([row.pid, row.args]);
      queue.push(row.pid);
    }
  }
  return found;
}

function enginePids(hostPid: number): number[] {
  return descendants(hostPid)
    .filter(([, args]) => /engine\.js|Stopbath engine|utility.*NodeService/i.test(args))
    .map(([pid]) => pid);
}

function killEngineOf(hostPid: number): void {
  const pids = enginePids(hostPid);
  if (pids.length === 0) throw new Error('No engine process is running.');
  for (const pid of pids) process.kill(pid, process.platform === 'win32' ? 'SIGKILL' : 'SIGSEGV');
}

export async function startWeb(browser: Browser, dataFolder: string, options: AppOptions): Promise<App> {
  let output = '';
  const host: ChildProcess = spawn(process.execPath, ['out/main/serve.js'], {
    cwd: root,
    env: { ...process.env, STOPBATH_DATA: dataFolder, ...options.env },
    // The channel ties the host to this process: it ends with it, however that ends.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const match = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(output);
      if (match !== null) resolve(match[0]);
    };
    host.stdout?.on('data', read);
    host.stderr?.on('data', read);
    host.once('exit', (code) => reject(new Error(`The web host ended with ${String(code)}:\n${output}`)));
  });
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 800 },
    colorScheme: options.colorScheme ?? 'dark',
    locale: options.locale ?? 'en-US',
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(url);
  const hostPid = host.pid;
  if (hostPid === undefined) throw new Error('The web host has no process.');
  const end = async (): Promise<void> => {
    if (host.exitCode === null && host.signalCode === null) {
      const ended = new Promise((resolve) => host.once('exit', resolve));
      host.kill('SIGTERM');
      await ended;
    }
    await context.close();
  };
  return {
    kind: 'web',
    page,
    studio: new Studio(page, problems),
    dataFolder,
    log: () => output,
    killEngine: () => killEngineOf(hostPid),
    end,
    again: () => startWeb(browser, dataFolder, options),
  };
}

async function startElectron(executablePath: string, dataFolder: string, options: AppOptions): Promise<App> {
  const app: ElectronApplication = await _electron.launch({
    executablePath,
    args: ['.', ...(process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    cwd: root,
    colorScheme: options.colorScheme ?? 'dark',
    locale: options.locale ?? 'en-US',
    env: { ...(process.env as Record<string, string>), STOPBATH_DATA: dataFolder, ...options.env },
  });
  let output = '';
  app.process().stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  app.process().stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const page = await app.firstWindow();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  if (options.viewport !== undefined) await page.setViewportSize(options.viewport);
  const hostPid = app.process().pid;
  if (hostPid === undefined) throw new Error('Electron has no process.');
  return {
    kind: 'electron',
    page,
    studio: new Studio(page, problems),
    dataFolder,
    log: () => output,
    killEngine: () => killEngineOf(hostPid),
    end: () => app.close(),
    again: () => startElectron(executablePath, dataFolder, options),
  };
}

export interface AppOptions {
  readonly viewport?: { width: number; height: number };
  readonly colorScheme?: 'light' | 'dark';
  readonly locale?: string;
  readonly env?: Record<string, string>;
}

/** The host that the specs drive: `STOPBATH_E2E_HOST` or, without it, Electron where its binary is. */
async function startApp(browser: Browser, dataFolder: string, options: AppOptions): Promise<App> {
  const wanted = process.env['STOPBATH_E2E_HOST'];
  const binary = wanted === 'web' ? null : electronBinary();
  if (wanted === 'electron' && binary === null) throw new Error('STOPBATH_E2E_HOST=electron, but there is no Electron binary.');
  return binary === null ? await startWeb(browser, dataFolder, options) : await startElectron(binary, dataFolder, options);
}

interface Fixtures {
  /** Starts the app; several in one spec share the data folder unless told otherwise. Closed after the spec. */
  start: (options?: AppOptions) => Promise<App>;
  /** Ends an app and starts it again on the same data folder. */
  restart: (app: App) => Promise<App>;
}

const running = new Set<App>();

export const test = base.extend<Fixtures>({
  start: async ({ browser }, use) => {
    const folders: string[] = [];
    await use(async (options = {}) => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-e2e-'));
      folders.push(folder);
      const app = await startApp(browser, folder, options);
      running.add(app);
      return app;
    });
    for (const app of running) await app.end();
    running.clear();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  },
  restart: async ({ browserName: _ }, use) => {
    await use(async (app) => {
      await app.end();
      running.delete(app);
      const next = await app.again();
      running.add(next);
      return next;
    });
  },
});

/** Waits until the form as it is kept on the disk has that text in it: it is written a moment after the last key. */
export async function formKept({ dataFolder }: App, text: string | RegExp): Promise<void> {
  const kept = (): string => {
    const file = path.join(dataFolder, 'settings.json');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  await expect.poll(kept).toMatch(text);
}

export { expect } from '@playwright/test';
