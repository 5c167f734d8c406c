/** Latent-size previews are at most this long; whole pictures are longer. */
const longestPreview = 96;
/** A preview has no more to show than this many pixels: beyond, the browser's own scaling looks the same and costs the page nothing. */
const mostPreviewPixels = 256;

/** Pixels worth drawing of a picture that is shown in a box. */
export function drawnSize(image: HTMLImageElement | null, width: number, height: number): { width: number; height: number } {
  const longest = Math.max(width, height);
  const isPreview = image !== null && Math.max(image.naturalWidth, image.naturalHeight) <= longestPreview;
  const scale = isPreview ? Math.min(1, mostPreviewPixels / longest) : 1;
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/**
 * Draws a small picture large. Doubling it again and again, each time smoothed, comes close to a spline: a latent-size
 * preview of 16 pixels turns out soft instead of showing the crosses that one bilinear step of 30 times leaves.
 */
export function drawEnlarged(context: CanvasRenderingContext2D, image: HTMLImageElement, width: number, height: number): void {
  let source: CanvasImageSource = image;
  let sourceWidth = image.naturalWidth;
  let sourceHeight = image.naturalHeight;
  while (sourceWidth * 2 <= width && sourceHeight * 2 <= height) {
    sourceWidth *= 2;
    sourceHeight *= 2;
    const step = scratch(sourceWidth, sourceHeight);
    if (step === null) break;
    draw(step, source, sourceWidth, sourceHeight);
    source = step.canvas;
  }
  draw(context, source, width, height);
}

/** One for each size of the pictures before: steps follow one another, all alike. */
let scratches: OffscreenCanvasRenderingContext2D[] = [];

function scratch(width: number, height: number): OffscreenCanvasRenderingContext2D | null {
  const known = scratches.find(({ canvas }) => canvas.width === width && canvas.height === height);
  if (known !== undefined) return known;
  const made = new OffscreenCanvas(width, height).getContext('2d');
  if (made !== null) scratches = [made, ...scratches].slice(0, 6);
  return made;
}

function draw(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  source: CanvasImageSource,
  width: number,
  height: number,
): void {
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  context.clearRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
}
