/** Below this side, in pixels, a picture is a preview and is shown soft: its pixels are no part of the picture. */
const smallSide = 192;
const softSide = 512;

export type Drawn = HTMLImageElement | HTMLCanvasElement | OffscreenCanvas;

const known = new WeakMap<Drawn, Drawn>();

export function sidesOf(source: Drawn): { readonly width: number; readonly height: number } {
  return source instanceof HTMLImageElement ? { width: source.naturalWidth, height: source.naturalHeight } : { width: source.width, height: source.height };
}

/** A small preview doubled until it is large enough to be looked at closely; every doubling is smoothed, which comes near a spline. */
export function softened(source: Drawn): Drawn {
  const ready = known.get(source);
  if (ready !== undefined) return ready;
  let { width, height } = sidesOf(source);
  let result: Drawn = source;
  while (Math.max(width, height) < softSide && isSmall(source)) {
    width *= 2;
    height *= 2;
    const next: OffscreenCanvas = new OffscreenCanvas(width, height);
    const context = next.getContext('2d');
    if (context === null) break;
    context.imageSmoothingQuality = 'high';
    context.drawImage(result, 0, 0, width, height);
    result = next;
  }
  known.set(source, result);
  return result;
}

export function isSmall(source: Drawn): boolean {
  const { width, height } = sidesOf(source);
  return Math.max(width, height) < smallSide;
}
