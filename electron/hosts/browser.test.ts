import { expect, it } from 'vitest';
import { hasDisplay, openCommand } from './browser.ts';

const address = 'http://127.0.0.1:1/?token=a';

it('prefers a Chromium, for a window of its own', () => {
  const find = (program: string): string | null => (program === 'chromium' ? '/usr/bin/chromium' : null);
  expect(openCommand(address, 'linux', find)).toEqual({ program: '/usr/bin/chromium', args: [`--app=${address}`] });
});

it.each([
  ['linux', 'xdg-open'],
  ['darwin', 'open'],
  ['win32', 'cmd.exe'],
] as const)('falls back to what %s opens addresses with', (platform, program) => {
  const command = openCommand(address, platform, () => null);
  expect(command.program).toBe(program);
  expect(command.args.at(-1)).toBe(address);
});

it('knows a machine without a screen', () => {
  expect(hasDisplay({}, 'linux')).toBe(false);
  expect(hasDisplay({ DISPLAY: ':0' }, 'linux')).toBe(true);
  expect(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe(true);
  expect(hasDisplay({}, 'win32')).toBe(true);
  expect(hasDisplay({ SSH_CONNECTION: 'x' }, 'darwin')).toBe(false);
});
