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
  /** The sides the model was made for. */
  readonly width: number;
  readonly height: number;
  readonly minSide: number;
  readonly maxSide: number;
  readonly sizeMultiple: number;
}

/** A side so many times the model's own is still drawn well; from there on things come twice. */
const wellBeyond = 4 / 3;

/**
 * The sides a model draws a picture at: as they are where the model can do that well, else at as many pixels as the model was
 * made for; as a whole within its limits, then down to a multiple.
 */
export function sidesForModel({ width, height }: Sides, model: SideLimits): Sides {
  const { minSide, maxSide, sizeMultiple } = model;
  const beyond = Math.sqrt((width * height) / (model.width * model.height));
  const shrink = Math.min(beyond > wellBeyond + 1e-6 ? 1 / beyond : 1, maxSide / Math.max(width, height));
  const grow = Math.max(1, minSide / (Math.min(width, height) * shrink));
  const side = (pixels: number): number => {
    const floored = Math.floor((pixels * shrink * grow) / sizeMultiple + 1e-6) * sizeMultiple;
    const least = Math.ceil(minSide / sizeMultiple) * sizeMultiple;
    const most = Math.floor(maxSide / sizeMultiple) * sizeMultiple;
    return Math.min(most, Math.max(least, floored));
  };
  return { width: side(width), height: side(height) };
}
