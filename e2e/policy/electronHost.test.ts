import { beforeEach, expect, it, vi } from 'vitest';
import { createElectronHost, exitOf, forkUtilityEngine } from '../../electron/hosts/electronHost.ts';
import * as electron from './electronMock.ts';

vi.mock('electron', () => import('./electronMock.ts'));
beforeEach(() => vi.clearAllMocks());

function child(): electron.UtilityChild {
  const result = electron.utilityProcess.fork.mock.results.at(-1);
  if (result?.type !== 'return') throw new Error('nothing was forked');
  return result.value;
}

it('runs the engine as a named utility process whose stderr is read', () => {
  const engine = forkUtilityEngine('/out/main/engine.js', '/data/cache', '/assets');
  expect(electron.utilityProcess.fork).toHaveBeenCalledWith('/out/main/engine.js', [], {
    serviceName: 'Stopbath engine',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: expect.objectContaining({ STOPBATH_CACHE_DIR: '/data/cache', STOPBATH_ASSETS_DIR: '/assets' }),
  });
  const [messages, lines, exits] = [vi.fn(), vi.fn(), vi.fn()];
  engine.onMessage(messages);
  engine.onStderr(lines);
  engine.onExit(exits);
  child().emit('message', { kind: 'ready' });
  child().stderr.emit('data', Buffer.from('native words\n'));
  engine.send({ kind: 'stop', jobId: 'a' });
  expect(messages).toHaveBeenCalledWith({ kind: 'ready' });
  expect(lines).toHaveBeenCalledWith('native words\n');
  // One argument: nothing is transferred.
  expect(child().postMessage.mock.calls).toEqual([[{ kind: 'stop', jobId: 'a' }]]);
  child().emit('exit', 139);
  child().emit('exit', 139);
  expect(exits).toHaveBeenCalledExactlyOnceWith({ code: 139, signal: null });
  engine.send({ kind: 'shutdown' });
  expect(child().postMessage).toHaveBeenCalledOnce();
});

it('kills with SIGKILL: a native call hears no other signal', () => {
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => true);
  const engine = forkUtilityEngine('/engine.js', '/data/cache', '/assets');
  child().pid = 4242;
  engine.kill();
  expect(kill).toHaveBeenCalledExactlyOnceWith(4242, 'SIGKILL');
  kill.mockRestore();
});

it('reads a kill out of the one number Electron tells', () => {
  expect(exitOf(9, 'linux')).toEqual({ code: null, signal: 'SIGKILL' });
  expect(exitOf(137, 'darwin')).toEqual({ code: null, signal: 'SIGKILL' });
  expect(exitOf(9, 'win32')).toEqual({ code: 9, signal: null });
  expect(exitOf(1, 'linux')).toEqual({ code: 1, signal: null });
});

it('asks where to save, and remembers the folder', async () => {
  const host = createElectronHost({ engineEntry: '', assets: '', send: null, window: () => null, saveFolder: '/pictures' });
  electron.dialog.showSaveDialog
    .mockResolvedValueOnce({ canceled: false, filePath: '/elsewhere/a.png' })
    .mockResolvedValueOnce({ canceled: true, filePath: '' });
  expect(await host.pickSavePath?.('/data/pictures/a.png')).toBe('/elsewhere/a.png');
  expect(await host.pickSavePath?.('/data/pictures/b.png')).toBeNull();
  expect(electron.dialog.showSaveDialog.mock.calls.map(([options]) => options)).toMatchObject([
    { defaultPath: '/pictures/a.png' },
    { defaultPath: '/elsewhere/b.png' },
  ]);
});

it('asks for a model, of the kind that is wanted, and remembers where', async () => {
  const host = createElectronHost({ engineEntry: '', assets: '', send: null, window: () => null, saveFolder: '/pictures' });
  electron.dialog.showOpenDialog
    .mockResolvedValueOnce({ canceled: false, filePaths: ['/models/ink.safetensors'] })
    .mockResolvedValueOnce({ canceled: true, filePaths: [] });
  expect(await host.pickModel?.('file')).toBe('/models/ink.safetensors');
  expect(await host.pickModel?.('folder')).toBeNull();
  expect(electron.dialog.showOpenDialog.mock.calls).toEqual([
    [{ properties: ['openFile'], filters: [{ name: 'Safetensors', extensions: ['safetensors'] }] }],
    [{ properties: ['openDirectory'], defaultPath: '/models' }],
  ]);
});

it('keeps secrets with the system, but not where its key is known to everybody', async () => {
  const { secrets } = createElectronHost({ engineEntry: '', assets: '', send: null, window: () => null, saveFolder: '' });
  expect(await secrets?.isSafe()).toBe(true);
  const locked = (await secrets?.encrypt('hf_abc')) ?? new Uint8Array();
  expect(await secrets?.decrypt(locked)).toBe('hf_abc');
  const platform = vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
  for (const backend of ['basic_text', 'unknown']) {
    electron.safeStorage.getSelectedStorageBackend.mockReturnValueOnce(backend);
    expect(await secrets?.isSafe()).toBe(false);
  }
  platform.mockReturnValue('darwin');
  electron.safeStorage.isAsyncEncryptionAvailable.mockResolvedValueOnce(false);
  expect(await secrets?.isSafe()).toBe(false);
  platform.mockRestore();
});
