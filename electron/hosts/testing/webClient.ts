import { request as httpRequest, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { connectCalls, type Connection, type Pipe } from '../../../shared/rpc.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A request as any program can send it: with any path as it stands, any Host, any cookie. */
export function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  body?: Uint8Array,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Trades the token of an address for the session's cookie, as a browser would. */
export async function logIn(address: string): Promise<{ port: number; cookie: string }> {
  const url = new URL(address);
  const port = Number(url.port);
  const answer = await ask(port, url.pathname + url.search);
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0];
  if (answer.status !== 303 || cookie === undefined) throw new Error(`No cookie: ${answer.status} ${answer.body}`);
  return { port, cookie };
}

/** Opens the page's socket; rejects with the status of a refusal. */
export function openSocket(port: number, headers: Readonly<Record<string, string>>, path = '/rpc'): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      reject(new Error(String(response.statusCode)));
    });
    socket.on('error', reject);
  });
}

/** The page's side of the web host. */
export async function connectPage(address: string): Promise<{ connection: Connection; socket: WebSocket; port: number; cookie: string }> {
  const { port, cookie } = await logIn(address);
  const socket = await openSocket(port, { cookie, origin: `http://127.0.0.1:${port}` });
  const pipe: Pipe = {
    send: (message) => socket.send(JSON.stringify(message)),
    onMessage: (listener) => {
      socket.on('message', (data) => listener(JSON.parse(String(data))));
    },
    onClose: (listener) => {
      socket.on('close', listener);
    },
  };
  return { connection: connectCalls(pipe), socket, port, cookie };
}
