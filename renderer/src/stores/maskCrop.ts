import type { Region } from '../../../shared/job.ts';

/** A side of the picture along one axis: [start, end). */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The part of a picture that is drawn when only the surroundings of the mask are: diffusers'
 * `VaeImageProcessor.get_crop_region`, from the rectangle around the mask on.
 * @param bounds the rectangle around everything in the mask that is not black.
 * @param picture sides of the picture in pixels.
 * @param target sides the region is drawn at; the region gets their aspect where the picture has room for it.
 */
export function maskCropRegion(
  bounds: Region,
  picture: { readonly width: number; readonly height: number },
  target: { readonly width: number; readonly height: number },
  padding: number,
): Region {
  const across = padded(bounds.left, bounds.width, picture.width, padding);
  const down = padded(bounds.top, bounds.height, picture.height, padding);
  const width = across.end - across.start;
  const height = down.end - down.start;
  const aspect = target.width / target.height;
  return width / height > aspect
    ? toRegion(across, grown(down, width / aspect, picture.height))
    : toRegion(grown(across, height * aspect, picture.width), down);
}

function padded(start: number, length: number, limit: number, padding: number): Span {
  return { start: Math.max(start - padding, 0), end: Math.min(start + length + padding, limit) };
}

function grown(span: Span, desired: number, limit: number): Span {
  const more = Math.trunc(desired - (span.end - span.start));
  let start = span.start - Math.floor(more / 2);
  let end = span.end + more - Math.floor(more / 2);
  if (end >= limit) {
    start -= end - limit;
    end = limit;
  }
  if (start < 0) {
    end -= start;
    start = 0;
  }
  return { start, end: Math.min(end, limit) };
}

function toRegion(across: Span, down: Span): Region {
  return { left: across.start, top: down.start, width: across.end - across.start, height: down.end - down.start };
}
