import type { NetworkEntry } from '../../../shared/models.ts';
import type { StopbathError } from '../../../shared/errors.ts';
import { isAllowedHost, isPrivateEnough } from './allowedHosts.ts';
import { createEntryLog, type OpenEntry } from './entryLog.ts';
import { networkFailure, offlineFailure, stalledFailure } from './failures.ts';
import { withoutSecrets } from './redact.ts';

/**
 * Makes one request and follows no redirect. The host's own stack, so that its proxy and certificates count.
 * Sends no cookies and keeps none.
 */
export type Send = (
  url: string,
  init: { readonly method: string; readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<Response>;

export const sendByNode: Send = (url, init) => fetch(url, { ...init, redirect: 'manual', credentials: 'omit' });

export interface NetworkOptions {
  readonly isOffline: () => boolean;
  /** See {@link isAllowedHost}. */
  readonly hosts: readonly string[];
  readonly onEntry?: (entry: NetworkEntry) => void;
  readonly send?: Send;
  /** Entries that are kept. */
  readonly logLimit?: number;
  /** Milliseconds without an answer, or without a byte of it, after which the server counts as gone. */
  readonly stallMs?: number;
}

export interface NetworkInit {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of `url` only, never to another one it redirects to. */
  readonly token?: string | null;
  readonly signal?: AbortSignal;
}

/** The only door to the outside. */
export interface Network {
  /**
   * Redirects are followed by hand: each hop must be an allowed host and is an entry of the log. `url` of the answer is
   * the last hop's. The status is the caller's to judge.
   * @param why completes "Stopbath asked for ...", shown in the log.
   * @throws StopbathError `OFFLINE`, or `NETWORK` when there was no answer, a stall, or a host that is not allowed; reading
   *   the body throws the same. An aborted signal throws its own reason.
   */
  fetch(why: string, url: string, init?: NetworkInit): Promise<Response>;
  log(): NetworkEntry[];
  /** To be called when the switch has changed: breaks off what goes on, or tells those who wait that it is back. */
  offlineChanged(): void;
  /** @returns stops listening. */
  onBack(listener: () => void): () => void;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const maxHops = 5;

export function createNetwork(options: NetworkOptions): Network {
  const { isOffline, hosts, onEntry = () => undefined, send = sendByNode, logLimit = 500, stallMs = 30_000 } = options;
  const entries = createEntryLog(onEntry, logLimit);
  const going = new Set<AbortController>();
  const waiting = new Set<() => void>();

  const fetchIt: Network['fetch'] = async (why, address, init = {}) => {
    const method = init.method ?? 'GET';
    const first = new URL(address);
    let url = first;
    for (let hop = 0; hop <= maxHops; hop++) {
      const entry = entries.open({ method, url: withoutSecrets(url), why });
      const refused = refusal(url, hosts, isOffline());
      if (refused !== null) {
        entry.close(refused.message);
        throw refused;
      }
      const headers: Record<string, string> = { ...init.headers };
      if (init.token !== undefined && init.token !== null && url.origin === first.origin) headers['authorization'] = `Bearer ${init.token}`;
      const response = await oneHop({ url, method, headers, signal: init.signal, entry, send, going, stallMs });
      const next = redirects.has(response.status) ? response.headers.get('location') : null;
      if (next === null) return response;
      await response.body?.cancel();
      entry.close(null);
      const target = URL.parse(next, url.href);
      if (target === null) throw networkFailure(url, `${url.host} redirects to something that is no address.`);
      url = target;
    }
    throw networkFailure(first, `More than ${maxHops} redirects.`);
  };

  return {
    fetch: fetchIt,
    log: () => entries.list(),
    offlineChanged: () => {
      if (isOffline()) for (const controller of going) controller.abort(offlineFailure());
      else for (const listener of [...waiting]) listener();
    },
    onBack: (listener) => {
      waiting.add(listener);
      return () => waiting.delete(listener);
    },
  };
}

function refusal(url: URL, hosts: readonly string[], isOffline: boolean): StopbathError | null {
  if (isOffline) return offlineFailure();
  if (!isPrivateEnough(url)) return networkFailure(url, 'Stopbath asks over encrypted connections only.');
  if (!isAllowedHost(url, hosts)) return networkFailure(url, `${url.host} is none of the hosts that Stopbath asks.`);
  return null;
}

interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
  readonly entry: OpenEntry;
  readonly send: Send;
  readonly going: Set<AbortController>;
  readonly stallMs: number;
}

/** One request from its entry in the log to the last byte of its answer. */
async function oneHop({ url, method, headers, signal, entry, send, going, stallMs }: Hop): Promise<Response> {
  const controller = new AbortController();
  going.add(controller);
  const stop = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  let timer: NodeJS.Timeout | undefined;
  /** Counts only while something is asked for: a slow reader is no stalled server. */
  const expect = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(stalledFailure(url, stallMs)), stallMs);
  };
  const end = (problem: string | null): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    going.delete(controller);
    entry.close(problem);
  };
  /** What the caller gets: the reason of the abort where there was one, else why the connection failed. */
  const problemOf = (error: unknown): unknown => {
    const reason: unknown = controller.signal.aborted ? controller.signal.reason : networkFailure(url, error);
    end(reason instanceof Error ? reason.message : 'Stopped.');
    return reason;
  };
  try {
    expect();
    const response = await send(url.href, { method, headers, signal: controller.signal });
    clearTimeout(timer);
    entry.answered(response.status);
    return watched(response, url, {
      onPull: expect,
      onBytes: (bytes) => {
        clearTimeout(timer);
        entry.received(bytes);
      },
      onEnd: () => end(null),
      onCancel: () => {
        end(null);
        controller.abort(new DOMException('The rest was not wanted.', 'AbortError'));
      },
      problemOf,
    });
  } catch (error) {
    throw problemOf(error);
  }
}

interface BodyWatch {
  onPull(): void;
  onBytes(bytes: number): void;
  onEnd(): void;
  onCancel(): void;
  problemOf(error: unknown): unknown;
}

/** The same answer, its body counted and its errors in our words. Pulled: nothing is read that nobody asked for. */
function watched(response: Response, url: URL, watch: BodyWatch): Response {
  const source = response.body;
  let body: ReadableStream<Uint8Array> | null = null;
  if (source === null) watch.onEnd();
  else {
    const reader: ReadableStreamDefaultReader<Uint8Array> = source.getReader();
    body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          watch.onPull();
          try {
            const { done, value } = await reader.read();
            if (done) {
              watch.onEnd();
              controller.close();
              return;
            }
            watch.onBytes(value.byteLength);
            controller.enqueue(value);
          } catch (error) {
            controller.error(watch.problemOf(error));
          }
        },
        cancel: async () => {
          watch.onCancel();
          await reader.cancel().catch(() => undefined);
        },
      },
      { highWaterMark: 0 },
    );
  }
  const { status, statusText, headers } = response;
  const copy = new Response(body, { status, statusText, headers });
  Object.defineProperty(copy, 'url', { value: url.href });
  return copy;
}
