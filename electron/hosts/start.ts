import { hasDisplay, openBrowser } from './browser.ts';
import { fetchElectron, findElectron, runElectron } from './electronBinary.ts';
import { parseStartOptions, usage, type StartOptions } from './options.ts';
import { hostPaths } from './paths.ts';
import { serveApp } from './serveApp.ts';

/** Entry of `npm start`: the desktop app where Electron can run, else the very same app in a browser. */
async function main(): Promise<number> {
  let options: StartOptions;
  try {
    options = parseStartOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 64;
  }
  const print = (line: string): void => console.log(line);
  if (!options.serve) {
    const desktop = await runDesktop(print);
    if (desktop.kind === 'ended') return desktop.code;
    print(`${desktop.reason} Stopbath is served to a browser instead.`);
  }
  const open = options.open ?? hasDisplay();
  return await serveApp({
    port: options.port,
    print,
    onAddress: (address) => {
      if (open) openBrowser(address);
    },
  });
}

type DesktopEnd = { readonly kind: 'ended'; readonly code: number } | { readonly kind: 'none'; readonly reason: string };

async function runDesktop(print: (line: string) => void): Promise<DesktopEnd> {
  const { root } = hostPaths();
  if ((process.env['STOPBATH_NO_ELECTRON'] ?? '') !== '') return none('Electron is switched off by STOPBATH_NO_ELECTRON.');
  if (!hasDisplay()) return none('There is no display for a window.');
  const executable = findElectron(root) ?? (await fetchElectron(root, print));
  if (executable === null) return none('Electron is not installed and could not be fetched.');
  const end = await runElectron(executable, root);
  return end.kind === 'ended' ? end : none(`Electron did not start (${end.reason}).`);
}

function none(reason: string): DesktopEnd {
  return { kind: 'none', reason };
}

void main().then((code) => process.exit(code));
