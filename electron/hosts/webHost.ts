import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { sendEvent, serveCalls, type Pipe } from '../../shared/rpc.ts';
import type { App } from '../core/app.ts';
import { inputsPath } from '../core/fetchUi.ts';
import { maxInputBody } from '../core/inputs.ts';
import { securityHeaders } from '../core/uiHeaders.ts';
import { createWebAccess, isLoopbackHost, isOwnOrigin, type WebAccess } from './webAccess.ts';

export interface WebHost {
  readonly port: number;
  /** Opens the app in one browser, once. */
  address(): string;
  close(): Promise<void>;
}

export interface WebHostOptions {
  readonly app: App;
  /** 0: any free port. */
  readonly port: number;
  /** The address has been used and a new one is good. */
  readonly onAddress: (address: string) => void;
}

/** Above the longest request by far, so that a too long prompt is answered, not cut off. */
const maxMessageBytes = 4 * 1024 * 1024;

/** A page that takes nothing off its socket is cut off rather than buffered for; it reconnects. */
const maxBufferedBytes = 64 * 1024 * 1024;

/** Serves the app to browsers on this machine. Nothing listens on the network. */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const server = createServer();
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  const address = (): string => `http://127.0.0.1:${port}${access.freshPath()}`;
  const access = createWebAccess(port, () => options.onAddress(address()));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes });

  server.on('request', (request, response) => {
    void respond(request, response, access, options.app).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = refuseUpgrade(request, access);
    if (refusal !== null) {
      refuse(socket, refusal);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => connect(webSocket, options.app));
  });
  return {
    port,
    address,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets.clients) socket.close(1001, 'Stopbath ends');
      server.closeAllConnections();
      // A page that hangs, or a network that is gone, does not hold up the end.
      const timer = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, 500);
      await closed;
      clearTimeout(timer);
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function respond(request: IncomingMessage, response: ServerResponse, access: WebAccess, app: App): Promise<void> {
  if (!isLoopbackHost(request)) {
    end(response, 421, 'This address is not served here.');
    return;
  }
  const address = `http://${request.headers.host}${request.url}`;
  // A proxy's form of request has no path of ours in it.
  if (request.url?.startsWith('/') !== true || !URL.canParse(address)) {
    end(response, 400, 'This is no address of Stopbath.');
    return;
  }
  const url = new URL(address);
  const token = url.searchParams.get('token');
  // HEAD must not use the token up: link checkers send it.
  if (token !== null && url.pathname === '/' && request.method === 'GET') {
    const cookie = access.trade(token);
    if (cookie !== null) {
      end(response, 303, '', { Location: '/', 'Set-Cookie': cookie });
      return;
    }
    // A reload of the first address, in the browser that has the cookie already.
    if (access.hasCookie(request)) {
      end(response, 303, '', { Location: '/' });
      return;
    }
  }
  if (!access.hasCookie(request)) {
    end(response, 403, 'Open the address that Stopbath printed. It works once; start Stopbath again to be told a new one.');
    return;
  }
  // The cookie alone would do for a browser of today (SameSite=Strict); the Origin is checked as for the socket.
  if (takesBody(request, url) && !isOwnOrigin(request)) {
    end(response, 403, JSON.stringify({ code: 'INVALID_INPUT', message: 'Only a page of Stopbath may send pictures.' }), {
      'Content-Type': 'application/json',
    });
    return;
  }
  await sendUi(request, response, url, app);
}

async function sendUi(request: IncomingMessage, response: ServerResponse, url: URL, app: App): Promise<void> {
  const method = request.method ?? 'GET';
  // fetch's own Request refuses some methods; none of them is served anyway.
  const allowed = method === 'GET' || method === 'HEAD';
  const answer = await app.fetchUi(
    takesBody(request, url)
      ? await withBody(request, url)
      : new Request(url, { method: allowed ? method : 'DELETE' }),
  );
  const bytes = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(bytes);
}

function takesBody({ method }: IncomingMessage, { pathname }: URL): boolean {
  return method === 'POST' && pathname === inputsPath;
}

/** A request with its body, or with as much of it as shows that it is too long; the rest is thrown away as it comes. */
async function withBody(request: IncomingMessage, url: URL): Promise<Request> {
  const chunks: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      if (length > maxInputBody) return;
      length += chunk.length;
      chunks.push(chunk);
      if (length > maxInputBody) resolve();
    });
    request.on('end', resolve);
    request.on('error', reject);
  });
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  return new Request(url, { method: 'POST', headers, body: Buffer.concat(chunks) });
}

function end(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    ...securityHeaders,
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(text);
}

function refuseUpgrade(request: IncomingMessage, access: WebAccess): string | null {
  if (!isLoopbackHost(request)) return '421 Misdirected Request';
  if (!isOwnOrigin(request) || !access.hasCookie(request)) return '403 Forbidden';
  return request.url === '/rpc' ? null : '404 Not Found';
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function connect(socket: WebSocket, app: App): void {
  const pipe = socketPipe(socket);
  socket.on('error', () => socket.terminate());
  const stop = app.events.on((name, value) => sendEvent(pipe, name, value));
  pipe.onClose(stop);
  serveCalls(pipe, app.handlers);
}

function socketPipe(socket: WebSocket): Pipe {
  return {
    send: (message) => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > maxBufferedBytes) socket.terminate();
      else socket.send(JSON.stringify(message));
    },
    onMessage: (listener) => {
      socket.on('message', (data, isBinary) => {
        const message = isBinary ? undefined : parseJson(data);
        if (message !== undefined) listener(message);
      });
    },
    onClose: (listener) => {
      socket.on('close', listener);
    },
  };
}

function parseJson(data: RawData): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(data) ? data.toString('utf8') : '');
  } catch {
    return undefined;
  }
}
