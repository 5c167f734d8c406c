import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Who may talk to the web host. A page of any other site, another user of the machine and a name that was re-bound to
 * 127.0.0.1 may not.
 */
export interface WebAccess {
  /** A path that opens the app once: its token is traded for the cookie. */
  freshPath(): string;
  /** @returns the cookie to set, or null when the token is not the current one. A token works once. */
  trade(token: string): string | null;
  hasCookie(request: IncomingMessage): boolean;
}

/** @param onToken called when a token was used and the next one is good. */
export function createWebAccess(port: number, onToken: () => void): WebAccess {
  let token = secret();
  const session = secret();
  // Cookies do not know ports: two Stopbaths on one machine must not overwrite each other's.
  const name = `stopbath-${port}`;
  return {
    freshPath: () => `/?token=${token}`,
    trade: (given) => {
      if (!sameSecret(given, token)) return null;
      token = secret();
      onToken();
      return `${name}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000`;
    },
    hasCookie: (request) => {
      const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
      return cookies.some((cookie) => cookie.startsWith(`${name}=`) && sameSecret(cookie.slice(name.length + 1), session));
    },
  };
}

const loopbackNames: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** The request was addressed to this machine by a name nobody else can own; the port may be an SSH tunnel's. */
export function isLoopbackHost(request: IncomingMessage): boolean {
  const host = request.headers.host ?? '';
  return loopbackNames.has(host.replace(/:\d{1,5}$/, ''));
}

/** The page that opens a socket was served by this very address. */
export function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin !== undefined && host !== undefined && origin === `http://${host}`;
}

/** 192 bits. */
function secret(): string {
  return randomBytes(24).toString('base64url');
}

function sameSecret(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}
