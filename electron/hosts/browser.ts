import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program and its arguments. */
export interface OpenCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** Whether a window could be shown at all. */
export function hasDisplay(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32' || platform === 'darwin') return env['SSH_CONNECTION'] === undefined;
  return (env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') !== '';
}

/** Opens an address in a window of its own where a Chromium is found, else in the person's browser. Failure is silent: the address is printed. */
export function openBrowser(address: string): void {
  const command = openCommand(address);
  const child = spawn(command.program, command.args, { detached: true, stdio: 'ignore' });
  child.on('error', () => undefined);
  child.unref();
}

/** @param find tells the path of a program, or null. */
export function openCommand(
  address: string,
  platform: NodeJS.Platform = process.platform,
  find: (program: string) => string | null = findProgram,
): OpenCommand {
  for (const candidate of chromiums(platform)) {
    const program = find(candidate);
    if (program !== null) return { program, args: [`--app=${address}`] };
  }
  switch (platform) {
    case 'win32':
      // `start` is a word of the shell, and takes a first quoted argument for a title. The address has nothing to quote.
      return { program: 'cmd.exe', args: ['/c', 'start', '', address] };
    case 'darwin':
      return { program: 'open', args: [address] };
    default:
      return { program: 'xdg-open', args: [address] };
  }
}

function chromiums(platform: NodeJS.Platform): readonly string[] {
  switch (platform) {
    case 'win32': {
      const folders = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) => process.env[name] ?? []);
      const programs = ['Google\\Chrome\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe'];
      return programs.flatMap((program) => folders.map((folder) => `${folder}\\${program}`));
    }
    case 'darwin':
      return ['Google Chrome', 'Chromium', 'Microsoft Edge', 'Brave Browser'].map(
        (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
      );
    default:
      return ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'microsoft-edge', 'brave-browser'];
  }
}

function findProgram(program: string): string | null {
  const isPath = /[/\\]/.test(program);
  const candidates = isPath ? [program] : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
