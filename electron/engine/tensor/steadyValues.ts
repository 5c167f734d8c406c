/** Values in -scale..scale that are the same everywhere, for probes and tests: neither may depend on chance. */
export function steadyValues(count: number, scale: number): Float32Array {
  let word = 12_345;
  return Float32Array.from({ length: count }, () => {
    word = (Math.imul(word, 1_103_515_245) + 12_345) >>> 0;
    return ((word >>> 8) / 0x80_0000 - 1) * scale;
  });
}
