/** Weights by formula: the same numbers as formula.py, exact in float16 and bfloat16. */

/** FNV-1a of the name. */
function seedOf(name: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(name)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

function scaleOf(name: string, shape: readonly number[]): number {
  const isTable = name.includes('embedding.weight') || name.endsWith('positional_embedding');
  const fanIn = isTable ? 12 : shape.slice(1).reduce((product, side) => product * side, 1);
  return 2 ** Math.round(Math.log2(Math.sqrt(3 / fanIn)));
}

/** The values of a tensor of that name. */
export function formulaValues(name: string, shape: readonly number[]): Float32Array {
  const seed = seedOf(name);
  const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
  const isVector = shape.length === 1;
  const base = name.endsWith('weight') ? 1 : 0;
  const scale = isVector ? 0 : scaleOf(name, shape);
  for (let index = 0; index < values.length; index++) {
    let x = (index + seed) >>> 0;
    x ^= x >>> 16;
    x = Math.imul(x, 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x = (x ^ (x >>> 16)) >>> 8;
    values[index] = isVector ? base + ((x % 31) - 15) / 128 : (((x % 511) - 255) / 256) * scale;
  }
  return values;
}
