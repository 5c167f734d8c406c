/** Runs are at most this long, so that a length fits into a byte. */
const longest = 255;

/** Bytes as pairs of length and value: small for masks, whose pixels mostly equal the one before. Never longer than raw plus a byte. */
export function packBytes(bytes: Uint8Array): Uint8Array {
  const packed: number[] = [1];
  for (let index = 0; index < bytes.length; ) {
    const value = bytes[index] ?? 0;
    let run = 1;
    while (run < longest && index + run < bytes.length && bytes[index + run] === value) run++;
    packed.push(run, value);
    if (packed.length > bytes.length) return raw(bytes);
    index += run;
  }
  return Uint8Array.from(packed);
}

function raw(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(bytes.length + 1);
  packed.set(bytes, 1);
  return packed;
}

/** What {@link packBytes} was given; `length` is its number of bytes. */
export function unpackBytes(packed: Uint8Array, length: number): Uint8Array {
  if (packed[0] === 0) return packed.subarray(1);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let index = 1; index < packed.length; index += 2) {
    const run = packed[index] ?? 0;
    bytes.fill(packed[index + 1] ?? 0, at, at + run);
    at += run;
  }
  return bytes;
}
