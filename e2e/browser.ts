import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

const candidates = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

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
  return { executablePath: await chromium.executablePath(), args };
}
