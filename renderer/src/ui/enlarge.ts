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
    const step: OffscreenCanvas = new OffscreenCanvas(sourceWidth, sourceHeight);
    const stepContext = step.getContext('2d');
    if (stepContext === null) break;
    draw(stepContext, source, sourceWidth, sourceHeight);
    source = step;
  }
  draw(context, source, width, height);
}

function draw(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  source: CanvasImageSource,
  width: number,
  height: number,
): void {
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  context.drawImage(source, 0, 0, width, height);
}
