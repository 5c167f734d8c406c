/** Most pixels and longest side of a start picture. */
export const mostPixels = 64_000_000;
export const longestSide = 16_384;

export interface Sides {
  readonly width: number;
  readonly height: number;
}

export function isTooLarge({ width, height }: Sides): boolean {
  return width > longestSide || height > longestSide || width * height > mostPixels;
}

export interface SideLimits {
  readonly minSide: number;
  readonly maxSide: number;
  readonly sizeMultiple: number;
}

/** The sides a model draws a picture at: shrunk (or grown) as a whole into its limits, then down to a multiple. */
export function sidesForModel({ width, height }: Sides, { minSide, maxSide, sizeMultiple }: SideLimits): Sides {
  const shrink = Math.min(1, maxSide / Math.max(width, height));
  const grow = Math.max(1, minSide / (Math.min(width, height) * shrink));
  const side = (pixels: number): number => {
    const floored = Math.floor((pixels * shrink * grow) / sizeMultiple + 1e-6) * sizeMultiple;
    const least = Math.ceil(minSide / sizeMultiple) * sizeMultiple;
    const most = Math.floor(maxSide / sizeMultiple) * sizeMultiple;
    return Math.min(most, Math.max(least, floored));
  };
  return { width: side(width), height: side(height) };
}
