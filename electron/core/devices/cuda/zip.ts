import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { StopbathError } from '../../../../shared/errors.ts';

/** A file inside a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: 'stored' | 'deflated' | 'other';
  readonly packedBytes: number;
  readonly bytes: number;
  readonly crc: number;
  /** Of the local header. */
  readonly offset: number;
}

/** Records of APPNOTE.TXT 6.3: end of central directory, central directory header, local header. */
const endMark = 0x06054b50;
const entryMark = 0x02014b50;
const localMark = 0x04034b50;
const endBytes = 22;
const maxComment = 0xffff;
const maxDirectory = 16_000_000;

/**
 * Reads the directory of an archive. Names are only compared with names we ask for, never used as paths, so none can lead anywhere.
 * @throws StopbathError `UNSAFE_FILE` for what is no archive, is cut off, encrypted or larger than 4 GB (zip64).
 */
export async function readZip(file: FileHandle): Promise<ZipEntry[]> {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - endBytes - maxComment), Math.min(size, endBytes + maxComment));
  const at = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (at < 0 || at + endBytes > tail.length || tail.readUInt32LE(at) !== endMark) throw damaged('it has no directory');
  const count = tail.readUInt16LE(at + 10);
  const directoryBytes = tail.readUInt32LE(at + 12);
  const directoryAt = tail.readUInt32LE(at + 16);
  if (directoryAt === 0xffffffff || directoryBytes > maxDirectory || directoryAt + directoryBytes > size) throw damaged('its directory does not lie in it');
  const directory = await readAt(file, directoryAt, directoryBytes);
  const entries: ZipEntry[] = [];
  for (let position = 0; entries.length < count; ) {
    if (position + 46 > directory.length || directory.readUInt32LE(position) !== entryMark) throw damaged('its directory is cut off');
    const nameBytes = directory.readUInt16LE(position + 28);
    entries.push(entryAt(directory, position, nameBytes));
    position += 46 + nameBytes + directory.readUInt16LE(position + 30) + directory.readUInt16LE(position + 32);
  }
  return entries;
}

function entryAt(directory: Buffer, position: number, nameBytes: number): ZipEntry {
  const flags = directory.readUInt16LE(position + 8);
  const method = directory.readUInt16LE(position + 10);
  if ((flags & 1) !== 0) throw damaged('it is encrypted');
  return {
    name: directory.toString('utf8', position + 46, position + 46 + nameBytes),
    // Refused only where it is asked for.
    method: method === 0 ? 'stored' : method === 8 ? 'deflated' : 'other',
    packedBytes: directory.readUInt32LE(position + 20),
    bytes: directory.readUInt32LE(position + 24),
    crc: directory.readUInt32LE(position + 16),
    offset: directory.readUInt32LE(position + 42),
  };
}

/**
 * Writes one entry to a path of the caller's choice, piece by piece.
 * @returns SHA-256 of what was written, hex
 * @throws StopbathError `UNSAFE_FILE` where length or CRC are not what the directory says.
 */
export async function extractEntry(file: FileHandle, entry: ZipEntry, target: string): Promise<string> {
  if (entry.method === 'other') throw damaged(`${entry.name} is packed in an unknown way`);
  const local = await readAt(file, entry.offset, 30);
  if (local.readUInt32LE(0) !== localMark) throw damaged(`${entry.name} is not where its directory says`);
  const start = entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  const { size } = await file.stat();
  if (start + entry.packedBytes > size) throw damaged(`${entry.name} is cut off`);
  const hash = createHash('sha256');
  let bytes = 0;
  let crc = 0;
  const counted = new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      // An archive that unpacks to more than it says would fill the disk.
      if (bytes > entry.bytes) {
        done(damaged(`${entry.name} is larger than it says`));
        return;
      }
      crc = crc32(piece, crc);
      hash.update(piece);
      done(null, piece);
    },
  });
  const packed = file.createReadStream({ start, end: start + entry.packedBytes - 1, autoClose: false, highWaterMark: 2 ** 20 });
  const out = createWriteStream(target, { flags: 'wx', mode: 0o755, flush: true });
  try {
    if (entry.packedBytes === 0) throw damaged(`${entry.name} is empty`);
    await (entry.method === 'stored' ? pipeline(packed, counted, out) : pipeline(packed, createInflateRaw(), counted, out));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw code.startsWith('Z_') ? damaged(`${entry.name} cannot be unpacked (${code})`) : error;
  }
  if (bytes !== entry.bytes || crc !== entry.crc) throw damaged(`${entry.name} is damaged`);
  return hash.digest('hex');
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  if (bytesRead !== length) throw damaged('it is cut off');
  return bytes;
}

function damaged(detail: string): StopbathError {
  return new StopbathError({
    code: 'UNSAFE_FILE',
    message: `The package of NVIDIA libraries cannot be used: ${detail}.`,
    nextStep: 'Install them again.',
  });
}

export async function openZip<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
