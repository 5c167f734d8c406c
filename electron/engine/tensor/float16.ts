const bits = new DataView(new ArrayBuffer(4));

let toFloatTable: Float32Array | undefined;

function decodeHalf(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE 754 half precision bits to float32, exactly, through a 64K table (1-2 ns a value). */
export function float16ToFloat32(halves: Uint16Array): Float32Array {
  toFloatTable ??= Float32Array.from({ length: 0x10000 }, (_, half) => decodeHalf(half));
  const table = toFloatTable;
  const out = new Float32Array(halves.length);
  halves.forEach((half, index) => {
    out[index] = table[half] ?? 0;
  });
  return out;
}

function encodeHalf(value: number): number {
  bits.setFloat32(0, value);
  const word = bits.getUint32(0);
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00;
  // 65520 and above round to infinity.
  if (magnitude >= 0x477f_f000) return sign | 0x7c00;
  if (magnitude < 0x3880_0000) {
    // Below 2^-14 halves are whole multiples of 2^-24.
    return sign | roundHalfEven(Math.abs(value) * 2 ** 24);
  }
  const rebased = magnitude - 0x3800_0000;
  const odd = (rebased >>> 13) & 1;
  return sign | ((rebased + 0xfff + odd) >>> 13);
}

/** To the nearest integer, ties to the even one: what numpy and torch do and `Math.round` does not. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest < 0.5) return down;
  if (rest > 0.5) return down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/** float32 to half precision bits, rounding to nearest even as the hardware does. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  values.forEach((value, index) => {
    out[index] = encodeHalf(value);
  });
  return out;
}
