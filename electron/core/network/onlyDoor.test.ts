import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
/** What may open a connection, or take one, and why. */
const doors: Readonly<Record<string, string>> = {
  'electron/core/network/network.ts': 'the only door',
  'electron/boot.ts': 'hands net.request to that hinge',
  'electron/desktop/chromiumSend.ts': 'its hinge in the desktop app; net.request is handed to it',
  'electron/hosts/webHost.ts': 'listens on this machine',
  'electron/hosts/webAccess.ts': 'types of what listens',
  'electron/hosts/instanceLock.ts': 'asks another copy of the app on this machine',
  'electron/hosts/electronBinary.ts': 'before the app starts: whether the desktop version can be had',
};
const opens = /(?<![.\w])fetch\((?!why:)|\bglobalThis\.fetch\b|\bnet\.(?:fetch|request|connect)\b|'(?:node:)?(?:https?|http2|net|tls|dgram)'|\bWebSocket\(|\bEventSource\(|'undici'/;

it('has one door to the outside: no other file of the app opens a connection', () => {
  const found = readdirSync(join(root, 'electron'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1).replaceAll('\\', '/'))
    .filter((path) => !path.includes('/testing/') && opens.test(readFileSync(join(root, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')));
  expect(found.filter((path) => !(path in doors))).toEqual([]);
  // The rule sees what it is for.
  expect(found).toContain('electron/core/network/network.ts');
});
