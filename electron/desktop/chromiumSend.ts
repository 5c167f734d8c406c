import type { ClientRequest, ClientRequestConstructorOptions, IncomingMessage, Session } from 'electron';
import { Readable } from 'node:stream';
import type { Send } from '../core/network/network.ts';

/** `net.request` of Electron. */
export type OpenRequest = (options: ClientRequestConstructorOptions) => ClientRequest;

/** Its answers have no body, and a Response takes none with them. */
const bodiless = new Set([204, 205, 304]);

/**
 * Requests through Chromium's network stack: the system's proxy, its certificates. Not `net.fetch`, which fails at a
 * redirect that is not followed (electron/electron#43715); and not the default session, in which pages have no network.
 * @param session one of its own, in memory: no cookies, no cache
 */
export function createChromiumSend(open: OpenRequest, session: Session): Send {
  return (url, { method, headers, signal }) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const request = open({ url, method, headers, session, redirect: 'manual', credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', priority: 'low' });
      let body: Readable | null = null;
      const stop = (): void => {
        reject(asError(signal.reason));
        body?.destroy(asError(signal.reason));
        request.abort();
      };
      signal.addEventListener('abort', stop, { once: true });
      request.once('close', () => signal.removeEventListener('abort', stop));
      // Not followed: Chromium then says that it was cancelled, which nobody hears any more.
      request.on('redirect', (status, _method, location, responseHeaders) => {
        resolve(new Response(null, { status, headers: { ...headersOf(responseHeaders), location } }));
      });
      request.on('response', (message) => {
        const { statusCode: status, statusMessage: statusText } = message;
        if (method === 'HEAD' || bodiless.has(status)) message.on('data', () => undefined);
        else body = bodyOf(message);
        // Node's type for the web's stream is not the DOM's; they are one at run time.
        const web = body === null ? null : (Readable.toWeb(body) as ReadableStream<Uint8Array>);
        resolve(new Response(web, { status, statusText, headers: headersOf(message.headers) }));
      });
      request.on('error', (error) => {
        reject(error);
        body?.destroy(error);
      });
      request.end();
    });
}

/** Electron's IncomingMessage is a Readable, which its types do not say. */
function bodyOf(message: IncomingMessage): Readable {
  const body: unknown = message;
  if (!(body instanceof Readable)) throw new TypeError('The answer of net.request is no stream');
  message.on('aborted', () => body.destroy(new Error('The connection broke off')));
  return body;
}

function headersOf(headers: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : value.join(', ')]));
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
