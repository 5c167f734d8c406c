import { crc32 } from 'node:zlib';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import { checkpointSchema } from '../engineMessages.ts';
import { pack, unpack } from './packed.ts';

/**
 * A checkpoint's file, little-endian:
 *
 *     0  8 bytes  "SBCHKPT" and the format's version
 *     8  u32      CRC-32 of everything from byte 16 on
 *    12  u32      bytes of the JSON header
 *    16  f64      bytes of the whole file
 *    24           the JSON header, padded with blanks to a multiple of 8; then the typed arrays it points to
 *
 * Length and checksum tell a file that a power cut has left half-written.
 */
const magic = 'SBCHKPT';
const formatVersion = 1;
const checkedFrom = 16;
/** Bytes before the JSON header: enough for {@link isWholeLength}. */
export const prefixBytes = 24;

export type ReadCheckpoint =
  | { readonly kind: 'good'; readonly checkpoint: Checkpoint }
  /** Cut off or altered: of no use to anybody. */
  | { readonly kind: 'torn' }
  /** Whole, but of another version of Stopbath. */
  | { readonly kind: 'foreign'; readonly problem: string };

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { json, bytes } = pack(checkpoint);
  const header = padded(Buffer.from(json));
  const file = Buffer.concat([Buffer.alloc(prefixBytes), header, ...bytes]);
  file.write(magic, 0, 'latin1');
  file.writeUInt8(formatVersion, magic.length);
  file.writeUInt32LE(header.length, 12);
  file.writeDoubleLE(file.length, 16);
  file.writeUInt32LE(crc32(file.subarray(checkedFrom)), 8);
  return file;
}

/** Whether a file of that size is as long as its own first bytes say: the cheap half of {@link decodeCheckpoint}'s check. */
export function isWholeLength(prefix: Uint8Array, size: number): boolean {
  const view = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  return view.length >= prefixBytes && view.toString('latin1', 0, magic.length) === magic && view.readDoubleLE(16) === size;
}

export function decodeCheckpoint(bytes: Uint8Array): ReadCheckpoint {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isWholeLength(file, file.length)) return { kind: 'torn' };
  if (file.readUInt32LE(8) !== crc32(file.subarray(checkedFrom))) return { kind: 'torn' };
  const version = file.readUInt8(magic.length);
  if (version !== formatVersion) return { kind: 'foreign', problem: `Format ${version}` };
  const end = prefixBytes + file.readUInt32LE(12);
  try {
    const value = unpack(file.toString('utf8', prefixBytes, end), file.subarray(end));
    return { kind: 'good', checkpoint: checkpointSchema.parse(value) };
  } catch (error) {
    return { kind: 'foreign', problem: error instanceof Error ? error.message : String(error) };
  }
}

function padded(header: Buffer): Buffer {
  return Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, ' ')]);
}
