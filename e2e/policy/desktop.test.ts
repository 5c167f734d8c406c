import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { App } from '../../electron/core/app.ts';
import { createEventHub } from '../../electron/core/events.ts';
import { watchForCrashes } from '../../electron/desktop/crashes.ts';
import { isTrustedFrame, serveWindows } from '../../electron/desktop/ipc.ts';
import { lockNavigation, openLink } from '../../electron/desktop/links.ts';
import { blockNetwork } from '../../electron/desktop/network.ts';
import { restrictPermissions } from '../../electron/desktop/permissions.ts';
import { serveAppScheme } from '../../electron/desktop/protocol.ts';
import { followTheme } from '../../electron/desktop/theme.ts';
import { openWindow } from '../../electron/desktop/window.ts';
import { defaultSettings } from '../../shared/contract.ts';
import type { Handlers } from '../../shared/rpc.ts';
import * as electron from './electronMock.ts';

vi.mock('electron', () => import('./electronMock.ts'));

beforeEach(() => {
  vi.clearAllMocks();
  electron.app.removeAllListeners();
  electron.ipcMain.removeAllListeners();
});

/** Addresses that look like ours and are not. */
const strangers = [
  'app://stopbath.evil/',
  'app://evil/',
  'app://stopbath:1/',
  'app://evil@stopbath.evil/',
  'https://stopbath/',
  'file:///etc/passwd',
  'data:text/html,x',
  'javascript:alert(1)',
  'about:blank',
  '',
];

const handlers = { 'settings.get': () => defaultSettings, 'app.info': () => ({ version: '1' }) } as unknown as Handlers;
function core(): Pick<App, 'events' | 'handlers'> {
  return { events: createEventHub(), handlers };
}

describe('a window', () => {
  it('is sandboxed, isolated, without Node, and shows nothing before it has painted', () => {
    openWindow('/preload.cjs');
    const window = electron.BrowserWindow.all.at(-1);
    expect(window?.options['webPreferences']).toEqual({
      preload: '/preload.cjs',
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    });
    expect(window?.options).toMatchObject({ show: false, backgroundColor: expect.stringMatching(/^#/) });
    expect(window?.loadURL).toHaveBeenCalledWith('app://stopbath/');
    expect(window?.show).not.toHaveBeenCalled();
    window?.emit('ready-to-show');
    expect(window?.show).toHaveBeenCalledOnce();
  });

  it('stays on the interface', () => {
    lockNavigation();
    const contents = Object.assign(new electron.Port(), { setWindowOpenHandler: vi.fn() });
    electron.app.emit('web-contents-created', {}, contents);
    for (const name of ['will-navigate', 'will-redirect', 'will-frame-navigate']) {
      for (const url of strangers) {
        const event = { url, preventDefault: vi.fn() };
        contents.emit(name, event);
        expect(event.preventDefault, `${name} ${url}`).toHaveBeenCalledOnce();
      }
      const own = { url: 'app://stopbath/', preventDefault: vi.fn() };
      contents.emit(name, own);
      expect(own.preventDefault).not.toHaveBeenCalled();
    }
    const webview = { preventDefault: vi.fn() };
    contents.emit('will-attach-webview', webview);
    expect(webview.preventDefault).toHaveBeenCalledOnce();
  });

  it('opens no other window, and outside only the pages on the list', () => {
    lockNavigation();
    const contents = Object.assign(new electron.Port(), { setWindowOpenHandler: vi.fn<(handler: (details: { url: string }) => unknown) => void>() });
    electron.app.emit('web-contents-created', {}, contents);
    const open = contents.setWindowOpenHandler.mock.calls[0]?.[0];
    for (const url of [...strangers, 'app://stopbath/', 'http://github.com/', 'https://github.com.evil/', 'https://a:b@github.com/']) {
      expect(open?.({ url })).toEqual({ action: 'deny' });
    }
    expect(electron.shell.openExternal).not.toHaveBeenCalled();
    expect(open?.({ url: 'https://github.com/some page' })).toEqual({ action: 'deny' });
    expect(electron.shell.openExternal).toHaveBeenCalledExactlyOnceWith('https://github.com/some%20page');
    openLink('no address');
  });
});

describe('pages', () => {
  it('get only the permissions on the list, and only on the interface', () => {
    restrictPermissions();
    const { defaultSession } = electron.session;
    const ask = defaultSession.setPermissionRequestHandler.mock.calls[0]?.[0];
    const check = defaultSession.setPermissionCheckHandler.mock.calls[0]?.[0];
    const asked = (permission: string, url: string): boolean => {
      const decide = vi.fn<(allow: boolean) => void>();
      ask?.({ getURL: () => url }, permission, decide);
      return decide.mock.calls[0]?.[0] ?? false;
    };
    for (const permission of ['clipboard-sanitized-write', 'clipboard-read', 'fullscreen']) {
      expect(asked(permission, 'app://stopbath/')).toBe(true);
      expect(check?.(null, permission, 'app://stopbath')).toBe(true);
      for (const url of strangers) {
        expect(asked(permission, url), url).toBe(false);
        expect(check?.(null, permission, url), url).toBe(false);
      }
    }
    for (const permission of ['media', 'geolocation', 'notifications', 'midi', 'hid', 'serial', 'usb', 'openExternal', 'constructor']) {
      expect(asked(permission, 'app://stopbath/')).toBe(false);
      expect(check?.(null, permission, 'app://stopbath')).toBe(false);
    }
    expect(defaultSession.setDevicePermissionHandler.mock.calls[0]?.[0]()).toBe(false);
    const decide = vi.fn();
    defaultSession.setDisplayMediaRequestHandler.mock.calls[0]?.[0]({}, decide);
    expect(decide).toHaveBeenCalledWith({});
  });

  it('have no network', () => {
    blockNetwork();
    const listener = electron.session.defaultSession.webRequest.onBeforeRequest.mock.calls[0]?.[0];
    const verdict = (url: string): boolean => {
      const decide = vi.fn<(verdict: { cancel: boolean }) => void>();
      listener?.({ url }, decide);
      return decide.mock.calls[0]?.[0].cancel ?? true;
    };
    for (const url of ['app://stopbath/', 'app://stopbath/pictures/a.png', 'blob:app://stopbath/x', 'data:image/png;base64,x']) {
      expect(verdict(url), url).toBe(false);
    }
    for (const url of ['https://example.com/', 'http://127.0.0.1/', 'ws://127.0.0.1/', 'wss://example.com/', 'file:///etc/passwd', 'app://stopbath.evil/', 'ftp://a/']) {
      expect(verdict(url), url).toBe(true);
    }
  });

  it('are served by fetchUi at our address only', async () => {
    const fetchUi = vi.fn(() => Promise.resolve(new Response('ui')));
    serveAppScheme(fetchUi);
    const [scheme, handler] = electron.protocol.handle.mock.calls[0] ?? [];
    expect(scheme).toBe('app');
    expect((await handler?.(new Request('app://stopbath/x')))?.status).toBe(200);
    for (const url of ['app://stopbath.evil/x', 'app://evil/x']) expect((await handler?.(new Request(url)))?.status).toBe(421);
    expect(fetchUi).toHaveBeenCalledOnce();
  });

  it('may send pictures to the core, as no page of another origin may', async () => {
    const received: string[] = [];
    serveAppScheme(async (request) => {
      received.push(`${request.method} ${request.headers.get('content-type') ?? ''} ${await request.text()}`);
      return new Response(null, { status: 201 });
    });
    const handler = electron.protocol.handle.mock.calls.at(-1)?.[1];
    const post = (headers: Record<string, string>): Promise<Response> | undefined =>
      handler?.(new Request('app://stopbath/inputs', { method: 'POST', body: 'bytes', headers: { 'content-type': 'image/png', ...headers } }));
    expect((await post({}))?.status).toBe(201);
    expect((await post({ origin: 'app://stopbath' }))?.status).toBe(201);
    for (const origin of ['null', 'app://stopbath.evil', 'https://stopbath', 'http://127.0.0.1']) {
      expect((await post({ origin }))?.status, origin).toBe(403);
    }
    expect(received).toEqual(['POST image/png bytes', 'POST image/png bytes']);
    // What the page's fetch goes through before the handler: its own address is not cut off.
    blockNetwork();
    const decide = vi.fn();
    electron.session.defaultSession.webRequest.onBeforeRequest.mock.calls.at(-1)?.[0]({ url: 'app://stopbath/inputs' }, decide);
    expect(decide).toHaveBeenCalledWith({ cancel: false });
  });
});

describe('a port', () => {
  function frame(url: string, parent: unknown = null): { url: string; parent: unknown; postMessage: ReturnType<typeof vi.fn> } {
    return { url, parent, postMessage: vi.fn() };
  }

  it('is given to the top frame of the interface, and started', async () => {
    const shared = core();
    serveWindows(shared);
    const sender = frame('app://stopbath/');
    electron.ipcMain.emit('stopbath:connect', { senderFrame: sender });
    const channel = electron.MessageChannelMain.all.at(-1);
    expect(channel?.port1.start).toHaveBeenCalledOnce();
    expect(sender.postMessage).toHaveBeenCalledWith('stopbath:port', null, [channel?.port2]);

    channel?.port1.emit('message', { data: { id: 1, call: 'app.info', input: {} } });
    await vi.waitFor(() => expect(channel?.port1.postMessage).toHaveBeenCalledWith({ id: 1, ok: true, value: { version: '1' } }));
    channel?.port1.emit('message', { data: { id: 2, call: 'constructor', input: {} } });
    await vi.waitFor(() =>
      expect(channel?.port1.postMessage).toHaveBeenLastCalledWith(expect.objectContaining({ id: 2, ok: false })),
    );
    // Nothing is ever transferred: Electron loses the bytes (electron/electron#34905).
    for (const call of channel?.port1.postMessage.mock.calls ?? []) expect(call).toHaveLength(1);

    shared.events.emit('command', { command: 'stop' });
    expect(channel?.port1.postMessage).toHaveBeenLastCalledWith({ event: 'command', value: { command: 'stop' } });
    channel?.port1.emit('close');
    const sent = channel?.port1.postMessage.mock.calls.length;
    shared.events.emit('command', { command: 'stop' });
    expect(channel?.port1.postMessage.mock.calls).toHaveLength(sent ?? -1);
  });

  it('is given to nobody else', () => {
    serveWindows(core());
    const before = electron.MessageChannelMain.all.length;
    for (const url of strangers) electron.ipcMain.emit('stopbath:connect', { senderFrame: frame(url) });
    electron.ipcMain.emit('stopbath:connect', { senderFrame: frame('app://stopbath/', {}) });
    electron.ipcMain.emit('stopbath:connect', { senderFrame: null });
    expect(electron.MessageChannelMain.all).toHaveLength(before);
    expect(isTrustedFrame({ parent: null, url: 'app://stopbath/' })).toBe(true);
  });

  it('is all there is: no other channel is open', () => {
    serveWindows(core());
    expect(electron.ipcMain.eventNames()).toEqual(['stopbath:connect']);
  });
});

describe('the surroundings', () => {
  it('follow the theme of the settings, from the start and after each change', async () => {
    const shared = core();
    await followTheme(shared);
    expect(electron.nativeTheme.themeSource).toBe('system');
    shared.events.emit('settings', { ...defaultSettings, theme: 'dark' });
    expect(electron.nativeTheme.themeSource).toBe('dark');
    shared.events.emit('notice', { code: 'INTERNAL', message: '' });
    expect(electron.nativeTheme.themeSource).toBe('dark');
  });

  it('log what dies, and offer to load a dead page again', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const before = process.listeners('unhandledRejection');
    watchForCrashes();
    const contents = { isDestroyed: () => false, reload: vi.fn() };
    electron.app.emit('render-process-gone', {}, contents, { reason: 'crashed', exitCode: 5 });
    await vi.waitFor(() => expect(contents.reload).toHaveBeenCalledOnce());
    electron.app.emit('child-process-gone', {}, { type: 'Utility', name: 'Stopbath engine', reason: 'oom', exitCode: 9 });
    expect(log.mock.calls.flat().join('\n')).toMatch(/crashed[\s\S]*Stopbath engine ended: oom/);
    const added = process.listeners('unhandledRejection').filter((listener) => !before.includes(listener));
    expect(added).toHaveLength(1);
    for (const listener of added) process.off('unhandledRejection', listener);
    log.mockRestore();
  });
});
