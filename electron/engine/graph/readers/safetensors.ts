import { isUtf8 } from 'node:buffer';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { StopbathError } from '../../../../shared/errors.ts';
import { bitsOf, type ElementType } from './elementType.ts';
import { type HeaderEntry, parseHeader } from './headerJson.ts';
import { headBytes, otherFormat } from './otherFormats.ts';
import { broken, notFound, quoted } from './refusal.ts';

/** A tensor that certainly lies in the file. */
export interface StoredTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Bytes from the beginning of the file. */
  readonly offset: number;
  readonly length: number;
}

/** A safetensors file by its header; every range in it has been checked. */
export interface SafetensorsFile {
  /** Absolute, symbolic links resolved. */
  readonly path: string;
  /** Name for sentences: the last part of the path that was given. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The format's own limit (safetensors, `MAX_HEADER_SIZE`). */
const longestHeader = 100_000_000;
const lengthBytes = 8;

/**
 * Reads and checks a file's header: lengths against the file, every tensor's type, shape and bytes against each other, no byte of
 * the data in two tensors and none in no tensor. Nothing but the header is read.
 * @param path to a file; symbolic links are followed
 * @throws StopbathError `MODEL_NOT_FOUND`, `FILE_ACCESS`, `MODEL_BAD` (a broken file), `MODEL_UNSUPPORTED` (a file of another kind).
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const name = basename(path);
  const real = await fileAt(path, name);
  const handle = await open(real, 'r').catch((error: unknown) => {
    throw new StopbathError({ code: 'FILE_ACCESS', message: `${name} cannot be read.`, nextStep: 'Check the permissions of the file.', detail: String(error) }, { cause: error });
  });
  try {
    const { size, mtimeMs } = await handle.stat();
    const header = await readHeader(handle, name, size);
    const { entries, metadata } = parseHeader(header);
    const start = lengthBytes + header.length;
    return { path: real, name, size, mtimeMs, tensors: placed(entries, start, size - start), metadata };
  } finally {
    await handle.close();
  }
}

/** Only plain files: opening a pipe would wait for ever. */
async function fileAt(path: string, name: string): Promise<string> {
  const real = await realpath(path).catch((error: unknown) => {
    throw notFound(`There is no file at ${path}.`, String(error));
  });
  if ((await stat(real)).isFile()) return real;
  throw notFound(`${name} is no file.`);
}

async function readHeader(handle: FileHandle, name: string, size: number): Promise<Buffer> {
  const head = await readAt(handle, 0, Math.min(size, headBytes));
  if (size === 0) throw broken(`${name} is empty.`);
  const other = otherFormat(name, head);
  if (other !== null) throw other;
  if (size < lengthBytes + 2) throw broken(`${name} has ${size} bytes: no safetensors file is that short.`);
  const length = Number(head.readBigUInt64LE(0));
  if (head[lengthBytes] !== 0x7b) throw broken(`${name} is no safetensors file: no header begins at its ninth byte.`);
  if (length > longestHeader) throw broken(`${name} says its header has ${length} bytes; the format allows 100 MB.`);
  if (length > size - lengthBytes) {
    throw broken(`${name} is cut off within its header: it says ${length} bytes, the file has ${size - lengthBytes} more.`);
  }
  const header = await readAt(handle, lengthBytes, length);
  if (!isUtf8(header)) throw broken(`The header of ${name} is no UTF-8 text.`);
  return header;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw broken('The file became shorter while it was read.');
    done += bytesRead;
  }
  return buffer;
}

/** @param start of the data in the file @param total bytes of the data */
function placed(entries: readonly HeaderEntry[], start: number, total: number): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const entry of entries) {
    const { name, type, shape, begin, end } = entry;
    if (end < begin) throw broken(`Tensor ${quoted(name)} ends before it begins.`);
    const wanted = bytesOf(entry);
    if (end - begin !== wanted) {
      throw broken(`Tensor ${quoted(name)} has ${end - begin} bytes; ${type} [${shape.join(', ')}] takes ${wanted}.`);
    }
    tensors.set(name, { type, shape, offset: start + begin, length: wanted });
  }
  requireGapless(entries, total);
  return tensors;
}

function bytesOf({ name, type, shape }: HeaderEntry): number {
  const count = shape.reduce((product, side) => product * side, 1);
  const bits = count * bitsOf(type);
  if (!Number.isSafeInteger(bits)) throw broken(`Tensor ${quoted(name)} of [${shape.join(', ')}] is larger than any file.`);
  if (bits % 8 !== 0) throw broken(`Tensor ${quoted(name)} of ${type} [${shape.join(', ')}] does not fill whole bytes.`);
  return bits / 8;
}

function requireGapless(entries: readonly HeaderEntry[], total: number): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  const needed = sorted.reduce((most, { end }) => Math.max(most, end), 0);
  if (needed > total) throw broken(`The file is cut off: its tensors take ${needed} bytes, ${total} are there.`);
  let [before, at] = ['the header', 0];
  for (const { name, begin, end } of sorted) {
    if (begin < at) throw broken(`Tensor ${quoted(name)} lies over ${before}: both claim byte ${begin}.`);
    if (begin > at) throw broken(`Bytes ${at} to ${begin} of the data belong to no tensor.`);
    [before, at] = [`tensor ${quoted(name)}`, end];
  }
  if (at < total) throw broken(`${total - at} bytes after the last tensor belong to none.`);
}
