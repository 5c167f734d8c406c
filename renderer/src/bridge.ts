import { connectCalls, type Connection, type Pipe } from '../../shared/rpc.ts';

/** What the desktop app's preload offers; absent when the page is served on loopback. */
interface DesktopApi {
  /** Asks for a port to the core; it arrives as a window message of kind `stopbath-port`. */
  connect(): void;
  /** Where a dropped file or folder lies on the disk; empty for what is on none. */
  pathForFile(file: File): string;
}

declare global {
  interface Window {
    readonly stopbath?: DesktopApi;
  }
}

export type LinkState = 'connecting' | 'open' | 'lost';

export interface BridgeListener {
  onState(state: LinkState): void;
  /** A fresh connection: everything read over an earlier one may be stale. */
  onConnection(connection: Connection): void;
}

const firstRetryMs = 300;
const longestRetryMs = 5_000;
/** A main process that has not answered by then is asked again. */
const portTimeoutMs = 5_000;

export function retryDelay(attempt: number): number {
  return Math.min(longestRetryMs, firstRetryMs * 2 ** attempt);
}

/** Keeps a connection to the core for as long as the page lives. */
export function startBridge(listener: BridgeListener): void {
  let attempt = 0;

  const lost = (): void => {
    listener.onState('lost');
    window.setTimeout(open, retryDelay(attempt++));
  };
  const opened = (pipe: Pipe): void => {
    attempt = 0;
    listener.onConnection(connectCalls(pipe));
    listener.onState('open');
  };
  const open = (): void => {
    if (window.stopbath === undefined) openSocket(opened, lost);
    else openPort(window.stopbath, opened, lost);
  };

  listener.onState('connecting');
  open();
}

function openPort(desktop: DesktopApi, opened: (pipe: Pipe) => void, lost: () => void): void {
  const receive = (event: MessageEvent<unknown>): void => {
    if (event.source !== window || event.origin !== window.origin) return;
    if (!isPortMessage(event.data)) return;
    const port = event.ports[0];
    if (port === undefined) return;
    window.clearTimeout(timer);
    window.removeEventListener('message', receive);
    opened(portPipe(port, lost));
  };
  const timer = window.setTimeout(() => {
    window.removeEventListener('message', receive);
    lost();
  }, portTimeoutMs);
  window.addEventListener('message', receive);
  desktop.connect();
}

function isPortMessage(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'stopbath-port';
}

function portPipe(port: MessagePort, lost: () => void): Pipe {
  const closers: (() => void)[] = [lost];
  port.addEventListener('close', () => {
    for (const close of closers) close();
  });
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.addEventListener('message', (event: MessageEvent<unknown>) => listener(event.data));
      port.start();
    },
    onClose: (listener) => void closers.push(listener),
  };
}

function openSocket(opened: (pipe: Pipe) => void, lost: () => void): void {
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${window.location.host}/rpc`);
  const closers: (() => void)[] = [lost];
  socket.addEventListener('close', () => {
    for (const close of closers) close();
  });
  socket.addEventListener('open', () => {
    opened({
      send: (message) => socket.send(JSON.stringify(message)),
      onMessage: (listener) => {
        socket.addEventListener('message', (event: MessageEvent<unknown>) => {
          if (typeof event.data === 'string') listener(JSON.parse(event.data));
        });
      },
      onClose: (listener) => void closers.push(listener),
    });
  });
}
