/** How far two pictures lie apart. Channel values are 0..255; alpha is left aside. */
export interface DifferenceFacts {
  /** Over all pixels and channels. */
  readonly mean: number;
  readonly most: number;
  /** Share of the pixels that differ at all, 0..1. */
  readonly share: number;
}

export interface Difference extends DifferenceFacts {
  /** RGBA, row by row: |a - b| times the factor, held at 255. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

export const differenceFactors = [1, 4, 16, 64] as const;

/** @throws RangeError for pictures of other sizes. Both are RGBA, row by row. */
export function difference(a: Uint8ClampedArray, b: Uint8ClampedArray, factor: number): Difference {
  if (a.length !== b.length) throw new RangeError(`Pictures of ${String(a.length)} and ${String(b.length)} bytes cannot be compared.`);
  const pixels = new Uint8ClampedArray(a.length);
  let sum = 0;
  let most = 0;
  let unlike = 0;
  for (let at = 0; at < a.length; at += 4) {
    let largest = 0;
    for (let channel = at; channel < at + 3; channel++) {
      const distance = Math.abs((a[channel] ?? 0) - (b[channel] ?? 0));
      pixels[channel] = distance * factor;
      sum += distance;
      if (distance > largest) largest = distance;
    }
    pixels[at + 3] = 255;
    if (largest > 0) unlike++;
    if (largest > most) most = largest;
  }
  const count = a.length / 4;
  return { pixels, mean: count === 0 ? 0 : sum / (count * 3), most, share: count === 0 ? 0 : unlike / count };
}
