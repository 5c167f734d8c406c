import { afterEach, expect, it, vi } from 'vitest';
import * as electron from './electronMock.ts';

vi.mock('electron', () => import('./electronMock.ts'));
afterEach(() => vi.unstubAllGlobals());

it('gives the page one object with exactly these names, and hands the port over to our origin only', async () => {
  const postMessage = vi.fn<(message: unknown, origin: string, transfer: unknown[]) => void>();
  vi.stubGlobal('window', { postMessage, location: { origin: 'app://stopbath' } });
  await import('../../electron/preload.ts');

  expect(electron.contextBridge.exposeInMainWorld).toHaveBeenCalledOnce();
  const [name, api] = electron.contextBridge.exposeInMainWorld.mock.calls[0] ?? [];
  expect(name).toBe('stopbath');
  expect(Object.entries(api ?? {}).map(([key, value]) => [key, typeof value])).toEqual([
    ['platform', 'string'],
    ['connect', 'function'],
    ['pathForFile', 'function'],
  ]);

  const connect = api?.['connect'] as (...input: unknown[]) => unknown;
  expect(connect('anything', { at: 'all' })).toBeUndefined();
  expect(electron.ipcRenderer.send).toHaveBeenCalledExactlyOnceWith('stopbath:connect');

  const dropped = new File([], 'model.safetensors');
  electron.webUtils.getPathForFile.mockReturnValueOnce('/models/model.safetensors');
  expect((api?.['pathForFile'] as (file: File) => string)(dropped)).toBe('/models/model.safetensors');
  expect(electron.webUtils.getPathForFile).toHaveBeenCalledExactlyOnceWith(dropped);

  const port = {};
  electron.ipcRenderer.emit('stopbath:port', { ports: [port], sender: 'never seen by the page' });
  expect(postMessage).toHaveBeenCalledExactlyOnceWith({ kind: 'stopbath-port' }, 'app://stopbath', [port]);
  expect(electron.ipcRenderer.eventNames()).toEqual(['stopbath:port']);
});
