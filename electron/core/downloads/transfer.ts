import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StopbathError, type Failure } from '../../../shared/errors.ts';
import { writeFileAtomic } from '../files.ts';
import type { Hub } from '../hub/hub.ts';
import { hubFailure, retryAfterMs } from '../hub/hubFailure.ts';
import type { HubFile } from '../hub/repository.ts';
import type { OpenPart, PartFile } from './partFile.ts';
import { hasContent } from './verify.ts';

/** How often and after which waits a server is asked again; a byte that arrives begins the count anew. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly firstMs: number;
  readonly longestMs: number;
}
/** 1, 2, 4 ... 60 s: some four minutes without a byte. */
export const patientRetries: RetryPolicy = { attempts: 8, firstMs: 1000, longestMs: 60_000 };
/** A server that asks for more is not waited for longer. */
const longestAskedMs = 15 * 60_000;

export interface Transfer {
  readonly hub: Hub;
  readonly repo: string;
  readonly revision: string;
  readonly file: HubFile;
  /** Path of the part. What is there from before is continued. */
  readonly part: string;
  readonly openPart: OpenPart;
  readonly retries: RetryPolicy;
  readonly signal: AbortSignal;
  /** Bytes of the file that are here. */
  onBytes(bytes: number): void;
  onPhase(phase: Phase, failure: Failure | null): void;
}
export type Phase = 'receiving' | 'waiting' | 'checking';

/** The answer cannot be of this file: what came of it is thrown away. */
class WrongContent extends Error {}

/** Asking again may help. */
class TryAgain extends Error {
  readonly failure: StopbathError;
  readonly afterMs: number | null;
  constructor(failure: StopbathError, afterMs: number | null) {
    super(failure.message);
    this.failure = failure;
    this.afterMs = afterMs;
  }
}

/**
 * Fetches one file into its part until it is there and its hash is the one that the hub lists. Content that is wrong is
 * thrown away and fetched once more.
 * @throws StopbathError `DOWNLOAD` (wrong twice), `ACCESS_DENIED`, `NOT_FOUND`, `NETWORK` (patience at its end), `OFFLINE`,
 *   `DISK_FULL`, `FILE_ACCESS`; but for the first the part is kept. The signal's reason when it was aborted.
 */
export async function fetchWhole(transfer: Transfer): Promise<void> {
  const { file, part, signal, onBytes, onPhase } = transfer;
  await mkdir(dirname(part), { recursive: true });
  for (let wrong = 0; ; ) {
    try {
      await receive(transfer);
      onPhase('checking', null);
      if (await hasContent(part, file.oid, file.bytes, signal)) return;
      throw new WrongContent('its hash is another');
    } catch (error) {
      if (!(error instanceof WrongContent)) throw signal.aborted ? signal.reason : diskFailure(error, file);
      await rm(part, { force: true });
      await rm(`${part}.etag`, { force: true });
      onBytes(0);
      if (++wrong === 2) {
        throw new StopbathError({
          code: 'DOWNLOAD',
          message: `${file.path} came damaged twice: ${error.message}.`,
          nextStep: 'Try again later; a proxy or a virus scanner on the way may alter what is fetched.',
        });
      }
    }
  }
}

/** Asks until the part is as long as the file. */
async function receive(transfer: Transfer): Promise<void> {
  const { file, part, retries, signal, onPhase, onBytes } = transfer;
  const target = await transfer.openPart(part);
  try {
    for (let attempt = 0; ; ) {
      const before = await target.size();
      onBytes(Math.min(before, file.bytes));
      if (before > file.bytes) throw new WrongContent('it is too long');
      if (before === file.bytes) break;
      try {
        onPhase('receiving', null);
        await receiveOnce(transfer, target, before);
      } catch (error) {
        signal.throwIfAborted();
        const again = error instanceof TryAgain ? error : isNetwork(error) ? new TryAgain(error, null) : null;
        if (again === null) throw error;
        attempt = (await target.size()) > before ? 1 : attempt + 1;
        if (attempt >= retries.attempts) throw again.failure;
        const backOff = Math.min(retries.firstMs * 2 ** (attempt - 1), retries.longestMs);
        const ms = Math.max(backOff, Math.min(again.afterMs ?? 0, longestAskedMs));
        onPhase('waiting', waitFailure(again.failure, ms));
        await sleep(ms, undefined, { signal });
      }
    }
    await target.sync();
  } finally {
    await target.close();
  }
}

const isNetwork = (error: unknown): error is StopbathError => error instanceof StopbathError && error.code === 'NETWORK';

/** One request, from where the part ends. */
async function receiveOnce(transfer: Transfer, target: PartFile, before: number): Promise<void> {
  const { hub, repo, revision, file, part, signal, onBytes } = transfer;
  const known = before === 0 ? null : await readEtag(part);
  const headers: Record<string, string> = before === 0 ? {} : { range: `bytes=${before}-` };
  if (known !== null) headers['if-range'] = known;
  const response = await hub.fetchFile({ repo, revision, path: file.path }, { headers, signal });
  try {
    const from = await placeOf(response, transfer, target, { before, known });
    const etag = strongEtag(response.headers);
    if (from === 0) await (etag === null ? rm(`${part}.etag`, { force: true }) : writeFileAtomic(`${part}.etag`, etag));
    let position = from;
    for await (const bytes of response.body ?? []) {
      if (position + bytes.byteLength > file.bytes) throw new WrongContent('it is too long');
      await target.write(bytes, position);
      position += bytes.byteLength;
      onBytes(position);
    }
    if (position < file.bytes) throw new TryAgain(brokeOff(response), null);
  } finally {
    await response.body?.cancel().catch(() => undefined);
  }
}

/** Where in the file the answer's first byte belongs; the part is cut where it does not go on. */
async function placeOf(response: Response, transfer: Transfer, target: PartFile, { before, known }: { before: number; known: string | null }): Promise<number> {
  const { hub, repo, file } = transfer;
  const { status, headers } = response;
  if (status === 206 && before > 0) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    const etag = strongEtag(headers);
    const isOther = known !== null && etag !== null && etag !== known;
    if (Number(start) === before && (total === '*' || Number(total) === file.bytes) && !isOther) return before;
    await target.truncate();
    throw new TryAgain(sayAgain(response, 'continued at another place than it was asked to'), 0);
  }
  if (status === 416) {
    await target.truncate();
    throw new TryAgain(sayAgain(response, 'could not continue the file'), 0);
  }
  if (status === 200) {
    // A log-in page of a network, say: what is here is not given up for it.
    if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) throw new TryAgain(notTheFile(response, 'a page'), null);
    const length = headers.get('content-length');
    if (length !== null && headers.get('content-encoding') === null && Number(length) !== file.bytes) {
      throw new TryAgain(notTheFile(response, `${length} bytes`), null);
    }
    if (before > 0) await target.truncate();
    return 0;
  }
  const isHub = URL.parse(response.url)?.origin === hub.origin;
  const refused = hubFailure({ status, headers, repo, hasToken: hub.hasToken() });
  if (status === 408 || status === 429 || status >= 500) throw new TryAgain(refused, retryAfterMs(headers));
  // A signed address of the hub's file servers runs out: the hub gives a new one.
  if (!isHub) throw new TryAgain(sayAgain(response, `answered with ${status}`), null);
  throw refused;
}

/** Weak ones (`W/`) promise no equal bytes: they cannot stand in `If-Range` (RFC 9110, 13.1.5). */
function strongEtag(headers: Headers): string | null {
  const etag = headers.get('etag');
  return etag !== null && /^"[^"\r\n]{1,500}"$/.test(etag) ? etag : null;
}

async function readEtag(part: string): Promise<string | null> {
  const etag = await readFile(`${part}.etag`, 'utf8').catch(() => null);
  return etag === null ? null : strongEtag(new Headers({ etag }));
}

function brokeOff(response: Response): StopbathError {
  return sayAgain(response, 'ended before the file did');
}

function sayAgain(response: Response, what: string): StopbathError {
  return new StopbathError({
    code: 'NETWORK',
    message: `${URL.parse(response.url)?.host ?? 'The server'} ${what}.`,
    nextStep: 'Try again later.',
  });
}

function notTheFile(response: Response, what: string): StopbathError {
  return new StopbathError({
    code: 'NETWORK',
    message: `${URL.parse(response.url)?.host ?? 'The server'} sent ${what} instead of the file.`,
    nextStep: 'Look whether this network asks to log in, or a proxy is in between, then resume the download.',
  });
}

function waitFailure(failure: StopbathError, ms: number): Failure {
  return { code: failure.code, message: failure.message, nextStep: `Stopbath tries again in ${Math.max(1, Math.round(ms / 1000))} s.` };
}

function diskFailure(error: unknown, file: HubFile): unknown {
  if (error instanceof StopbathError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const detail = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StopbathError(
      { code: 'DISK_FULL', message: `The disk is full: ${file.path} could not be saved.`, nextStep: 'Free some space, then resume the download: what is here is kept.', detail },
      { cause: error },
    );
  }
  if (!/^E[A-Z]+$/.test(code)) return error;
  return new StopbathError(
    { code: 'FILE_ACCESS', message: `${file.path} could not be saved.`, nextStep: 'Check that the models folder can be written to, then resume the download.', detail },
    { cause: error },
  );
}
