import { EventEmitter } from 'node:events';
import { vi } from 'vitest';

/**
 * Records what our policies tell Electron, for the questions a recording can answer: which options, which handlers, which
 * verdicts. It does nothing by itself and can prove nothing about how the real Electron behaves.
 */
export const app = Object.assign(new EventEmitter(), {
  isPackaged: false,
  enableSandbox: vi.fn<() => void>(),
  exit: vi.fn<(code: number) => void>(),
  quit: vi.fn<() => void>(),
  getLocale: vi.fn(() => 'en-GB'),
  getPath: vi.fn((name: string) => `/${name}`),
  requestSingleInstanceLock: vi.fn(() => true),
  setPath: vi.fn<(name: string, path: string) => void>(),
  whenReady: vi.fn(() => new Promise<void>(() => undefined)),
});

export const protocol = {
  registerSchemesAsPrivileged: vi.fn<(schemes: { scheme: string; privileges: Record<string, boolean> }[]) => void>(),
  handle: vi.fn<(scheme: string, handler: (request: Request) => Promise<Response>) => void>(),
};

export const crashReporter = { start: vi.fn<(options: { uploadToServer: boolean }) => void>() };
export const shell = { openExternal: vi.fn<(url: string) => Promise<void>>(() => Promise.resolve()), showItemInFolder: vi.fn() };
export const nativeTheme = { themeSource: 'system', shouldUseDarkColors: true };
export const ipcMain = new EventEmitter();
export const dialog = {
  showErrorBox: vi.fn(),
  showMessageBox: vi.fn(() => Promise.resolve({ response: 0 })),
  showSaveDialog: vi.fn<(...input: unknown[]) => Promise<{ canceled: boolean; filePath: string }>>(),
  showOpenDialog: vi.fn<(...input: unknown[]) => Promise<{ canceled: boolean; filePaths: string[] }>>(),
};

type Decide = (allow: boolean) => void;
export const session = {
  defaultSession: {
    setPermissionRequestHandler: vi.fn<(handler: (contents: { getURL(): string }, permission: string, decide: Decide) => void) => void>(),
    setPermissionCheckHandler: vi.fn<(handler: (contents: unknown, permission: string, origin: string) => boolean) => void>(),
    setDevicePermissionHandler: vi.fn<(handler: () => boolean) => void>(),
    setDisplayMediaRequestHandler: vi.fn<(handler: (request: unknown, decide: (streams: object) => void) => void) => void>(),
    webRequest: {
      onBeforeRequest: vi.fn<(listener: (details: { url: string }, decide: (verdict: { cancel: boolean }) => void) => void) => void>(),
    },
  },
};

export class BrowserWindow extends EventEmitter {
  static readonly all: BrowserWindow[] = [];
  static getAllWindows = (): BrowserWindow[] => BrowserWindow.all;
  static getFocusedWindow = (): BrowserWindow | null => BrowserWindow.all[0] ?? null;
  readonly options: Record<string, unknown>;
  readonly show = vi.fn<() => void>();
  readonly loadURL = vi.fn<(url: string) => Promise<void>>(() => Promise.resolve());

  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
    BrowserWindow.all.push(this);
  }
}

export class Port extends EventEmitter {
  readonly start = vi.fn<() => void>();
  readonly postMessage = vi.fn<(message: unknown, transfer?: unknown[]) => void>();
}

export class MessageChannelMain {
  static readonly all: MessageChannelMain[] = [];
  readonly port1: Port = new Port();
  readonly port2: Port = new Port();

  constructor() {
    MessageChannelMain.all.push(this);
  }
}

export const Menu = {
  buildFromTemplate: vi.fn((template: unknown) => template),
  setApplicationMenu: vi.fn<(menu: unknown) => void>(),
};

export const webUtils = { getPathForFile: vi.fn<(file: File) => string>(() => '') };
export const safeStorage = {
  isAsyncEncryptionAvailable: vi.fn(() => Promise.resolve(true)),
  getSelectedStorageBackend: vi.fn(() => 'gnome_libsecret'),
  encryptStringAsync: vi.fn((text: string) => Promise.resolve(Buffer.from(`locked ${text}`))),
  decryptStringAsync: vi.fn((bytes: Buffer) => Promise.resolve({ shouldReEncrypt: false, result: bytes.toString().replace('locked ', '') })),
};
export const contextBridge = { exposeInMainWorld: vi.fn<(name: string, api: Record<string, unknown>) => void>() };
export const ipcRenderer = Object.assign(new EventEmitter(), { send: vi.fn<(channel: string) => void>() });

export class UtilityChild extends EventEmitter {
  pid: number | undefined = undefined;
  readonly stderr = new EventEmitter();
  readonly postMessage = vi.fn<(message: unknown) => void>();
  readonly kill = vi.fn<() => boolean>(() => true);
}
export const utilityProcess = {
  fork: vi.fn<(entry: string, args: string[], options: Record<string, unknown>) => UtilityChild>(() => new UtilityChild()),
};
