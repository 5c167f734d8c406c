import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const candidates = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * The browser that comes by npm dies at the first character for which fontconfig knows no font, and its own configuration
 * looks for its fonts where they are not. This one names them, a Chinese font from npm, and the system's.
 */
function writeFontConfig(cache: string): string {
  const chinese = path.dirname(createRequire(import.meta.url).resolve('@fontsource/zcool-xiaowei/package.json'));
  const folders = [path.join(cache, 'fonts', 'fonts'), path.join(chinese, 'files'), ...(process.env['STOPBATH_BROWSER_FONTS'] === 'npm' ? [] : ['/usr/share/fonts'])];
  const file = path.join(cache, 'fonts.conf');
  writeFileSync(
    file,
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>${folders.map((folder) => `<dir>${folder}</dir>`).join('')}<cachedir>${path.join(cache, 'font-cache')}</cachedir></fontconfig>
`,
  );
  return file;
}

/** A Chromium to drive: one of the system's, else the one that comes by npm (Linux x64). `STOPBATH_BROWSER=npm` forces the latter. */
export async function findBrowser(): Promise<{ executablePath: string; args: string[] }> {
  const args = ['--no-sandbox', '--disable-gpu'];
  const installed = candidates.find((candidate) => existsSync(candidate));
  if (installed !== undefined && process.env['STOPBATH_BROWSER'] !== 'npm') return { executablePath: installed, args };
  // The package unpacks into the temporary folder and trusts whatever lies there: give it one of our own. The
  // environment variable makes it unpack its NSS libraries and fonts too.
  const cache = path.resolve(import.meta.dirname, '../.cache/chromium');
  mkdirSync(cache, { recursive: true });
  process.env['TMPDIR'] = cache;
  process.env['AWS_EXECUTION_ENV'] ??= 'AWS_Lambda_nodejs22.x';
  const { default: chromium } = await import('@sparticuz/chromium');
  const executablePath = await chromium.executablePath();
  process.env['FONTCONFIG_FILE'] = writeFontConfig(cache);
  return { executablePath, args };
}
