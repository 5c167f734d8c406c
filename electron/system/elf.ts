import { closeSync, openSync, readSync } from 'node:fs';

/** Reads far enough for the headers of any library; the tables themselves are read where they lie. */
const programHeaderBytes = 56;
const maxHeaders = 128;
const maxTable = 1 << 20;

const dynamicHeader = 2;
const loadHeader = 1;
const tag = { needed: 1n, stringTable: 5n, stringBytes: 10n } as const;

/**
 * The libraries a 64-bit little-endian ELF file asks for by name (DT_NEEDED), in its order: what the loader will look for.
 * @throws Error when the file is no such library.
 */
export function neededLibraries(file: string): string[] {
  const handle = openSync(file, 'r');
  try {
    return readNeeded((position, length) => {
      const bytes = Buffer.alloc(length);
      if (readSync(handle, bytes, 0, length, position) !== length) throw new Error('The library is too short.');
      return bytes;
    });
  } finally {
    closeSync(handle);
  }
}

type Read = (position: number, length: number) => Buffer;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly bytes: number;
}

function readNeeded(read: Read): string[] {
  const header = read(0, 64);
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) throw new Error('This is no 64-bit library.');
  const count = header.readUInt16LE(56);
  if (count > maxHeaders) throw new Error('The header of the library is damaged.');
  const table = read(Number(header.readBigUInt64LE(32)), count * programHeaderBytes);
  const segments = Array.from({ length: count }, (_, index) => segmentAt(table, index * programHeaderBytes));
  const dynamic = segments.find(({ type }) => type === dynamicHeader);
  if (dynamic === undefined || dynamic.bytes > maxTable) throw new Error('The library has no table of what it needs.');
  const entries = read(dynamic.offset, dynamic.bytes);
  const values = (wanted: bigint): bigint[] => {
    const found: bigint[] = [];
    for (let at = 0; at + 16 <= entries.length; at += 16) {
      if (entries.readBigUInt64LE(at) === wanted) found.push(entries.readBigUInt64LE(at + 8));
    }
    return found;
  };
  const [stringsAt = 0n] = values(tag.stringTable);
  const [stringBytes = 0n] = values(tag.stringBytes);
  if (stringBytes > maxTable * 16) throw new Error('The header of the library is damaged.');
  const home = segments.find(({ type, address, bytes }) => type === loadHeader && stringsAt >= address && stringsAt < address + BigInt(bytes));
  const strings = read(Number(stringsAt - (home?.address ?? 0n)) + (home?.offset ?? 0), Number(stringBytes));
  return values(tag.needed).map((at) => strings.toString('latin1', Number(at), strings.indexOf(0, Number(at))));
}

function segmentAt(table: Buffer, at: number): Segment {
  return {
    type: table.readUInt32LE(at),
    offset: Number(table.readBigUInt64LE(at + 8)),
    address: table.readBigUInt64LE(at + 16),
    bytes: Number(table.readBigUInt64LE(at + 32)),
  };
}
