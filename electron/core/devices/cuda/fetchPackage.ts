import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { StopbathError } from '../../../../shared/errors.ts';
import { saveFailure } from '../../files.ts';
import type { Door, NugetPackage } from './nuget.ts';

export interface FetchOptions {
  readonly door: Door;
  readonly from: NugetPackage;
  /** What is there from before is continued; it stays where the fetch breaks off. */
  readonly part: string;
  readonly onBytes: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Fetches the package into its part and checks its length and SHA-512.
 * @throws StopbathError `DOWNLOAD` (the hash is another: the part is gone), `NETWORK`, `OFFLINE`, `DISK_FULL`, `FILE_ACCESS`.
 */
export async function fetchPackage(options: FetchOptions): Promise<void> {
  const { part, from, onBytes } = options;
  // A versioned package never changes: one part, also of an earlier start, is a prefix of it or fails its hash.
  if ((await sizeOf(part)) > from.bytes) await rm(part, { force: true });
  if ((await sizeOf(part)) < from.bytes) await receive(options);
  onBytes(from.bytes);
  if ((await sha512(part)) === from.sha512) return;
  await rm(part, { force: true });
  throw new StopbathError({
    code: 'DOWNLOAD',
    message: 'The NVIDIA libraries came damaged: their hash is not the one the feed lists.',
    nextStep: 'Install them again; a proxy or a virus scanner on the way may alter what is fetched.',
  });
}

async function receive({ door, from, part, onBytes, signal }: FetchOptions): Promise<void> {
  const before = await sizeOf(part);
  const response = await door.fetch('the NVIDIA libraries of ONNX Runtime', from.url, {
    headers: before === 0 ? {} : { range: `bytes=${before}-` },
    ...(signal === undefined ? {} : { signal }),
  });
  const begin = startOf(response, before);
  if (begin === null) {
    await response.body?.cancel();
    if (response.status === 416) await rm(part, { force: true });
    throw new StopbathError({ code: 'NETWORK', message: `${new URL(from.url).host} answered with ${response.status}.`, nextStep: 'Try again later.' });
  }
  const file = await openPart(part);
  try {
    if (begin === 0) await file.truncate(0);
    let position = begin;
    for await (const bytes of response.body ?? []) {
      if (position + bytes.byteLength > from.bytes) throw tooLong();
      await write(file, bytes, position);
      position += bytes.byteLength;
      onBytes(position);
    }
    await file.sync();
    if (position < from.bytes) {
      throw new StopbathError({ code: 'NETWORK', message: `${new URL(from.url).host} ended before the file did.`, nextStep: 'Install again: what is here is kept.' });
    }
  } finally {
    await file.close();
  }
}

/** Where in the file the answer begins; null where it is no answer of ours. */
function startOf({ status, headers }: Response, asked: number): number | null {
  if (status === 200) return 0;
  const start = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1];
  return status === 206 && start !== undefined && Number(start) === asked ? asked : null;
}

async function openPart(part: string): Promise<FileHandle> {
  try {
    return await open(part, 'r+').catch(() => open(part, 'wx+'));
  } catch (error) {
    throw saveFailure(error, 'The package of NVIDIA libraries');
  }
}

async function write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  try {
    for (let done = 0; done < bytes.byteLength; ) {
      done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
    }
  } catch (error) {
    throw saveFailure(error, 'The package of NVIDIA libraries');
  }
}

function tooLong(): StopbathError {
  return new StopbathError({ code: 'DOWNLOAD', message: 'The server sends more than the feed lists.', nextStep: 'Try again later.' });
}

export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

async function sha512(path: string): Promise<string> {
  const hash = createHash('sha512');
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Uint8Array);
  return hash.digest('base64');
}
