import { createHash } from 'node:crypto';

/** A file of the test hub, read in pieces so that it may be larger than the memory. */
export interface Content {
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
  /** SHA-1 of git's blob, hex. */
  readonly gitOid: string;
  read(from: number, to: number): Uint8Array;
}

export function contentOf(data: Uint8Array | string): Content {
  const bytes = Buffer.from(data);
  return {
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    gitOid: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
    read: (from, to) => bytes.subarray(from, to),
  };
}

const piece = 2 ** 16;

/** `bytes` bytes that look random, the same for the same seed, and that nobody holds: each 64 KiB differ by their number. */
export function syntheticContent(bytes: number, seed: number): Content {
  const block = Buffer.alloc(piece);
  let state = seed * 2654435761 + 1;
  for (let at = 0; at < piece; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    block.writeUInt32LE(state, at);
  }
  const read = (from: number, to: number): Uint8Array => {
    const end = Math.min(to, bytes);
    const out = Buffer.allocUnsafe(Math.max(0, end - from));
    for (let at = from; at < end; ) {
      const inBlock = at % piece;
      const count = Math.min(piece - inBlock, end - at);
      block.copy(out, at - from, inBlock, inBlock + count);
      if (inBlock === 0 && count >= 8) out.writeDoubleLE(Math.floor(at / piece), at - from);
      else for (let i = 0; i < count && inBlock + i < 8; i++) out[at - from + i] = numberBytes(Math.floor(at / piece))[inBlock + i] ?? 0;
      at += count;
    }
    return out;
  };
  const sha256 = createHash('sha256');
  const git = createHash('sha1').update(`blob ${bytes}\0`);
  for (let at = 0; at < bytes; at += piece) {
    const part = read(at, at + piece);
    sha256.update(part);
    git.update(part);
  }
  return { bytes, sha256: sha256.digest('hex'), gitOid: git.digest('hex'), read };
}

function numberBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}
