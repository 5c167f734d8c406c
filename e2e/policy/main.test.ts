import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import * as electron from './electronMock.ts';

vi.mock('electron', () => import('./electronMock.ts'));

const data = mkdtempSync(join(os.tmpdir(), 'stopbath-policy-'));
beforeEach(() => {
  vi.stubEnv('STOPBATH_DATA', data);
});
afterEach(() => {
  rmSync(data, { recursive: true, force: true });
  vi.resetModules();
  vi.clearAllMocks();
  vi.unstubAllEnvs();
});

it('does everything that must precede readiness, in order, and waits for nothing', async () => {
  await import('../../electron/main.ts');
  expect(electron.app.setPath).toHaveBeenCalledWith('userData', join(data, 'chromium'));
  const order = [
    electron.app.setPath,
    electron.app.requestSingleInstanceLock,
    electron.app.enableSandbox,
    electron.protocol.registerSchemesAsPrivileged,
    electron.crashReporter.start,
    electron.app.whenReady,
  ].map((mock) => mock.mock.invocationCallOrder[0]);
  expect(order).toEqual([...order].sort((a, b) => (a ?? 0) - (b ?? 0)));
  expect(order).not.toContain(undefined);
  expect(electron.crashReporter.start).toHaveBeenCalledWith({ uploadToServer: false });
  const [schemes] = electron.protocol.registerSchemesAsPrivileged.mock.calls[0] ?? [[]];
  expect(schemes).toEqual([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true } },
  ]);
});

it('leaves at once when another one is there', async () => {
  electron.app.requestSingleInstanceLock.mockReturnValueOnce(false);
  await import('../../electron/main.ts');
  expect(electron.app.exit).toHaveBeenCalledWith(0);
  expect(electron.app.whenReady).not.toHaveBeenCalled();
});
