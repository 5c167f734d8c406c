import type { Region } from '../../../shared/job.ts';

/** A mask at the picture's own sides: a byte a pixel, row by row; 255 is painted again, 0 stays. */
export interface MaskRaster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A place the brush passes, in pixels of the picture. */
export interface BrushPoint {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface BrushTip {
  readonly erase: boolean;
  /** Share of the radius that is fully covered, 0..1. */
  readonly hardness: number;
}

/** From this value on the engine paints a pixel again. */
export const maskThreshold = 128;

export function createMaskRaster(width: number, height: number): MaskRaster {
  return { width, height, data: new Uint8Array(width * height) };
}

export function wholeOf(raster: Pick<MaskRaster, 'width' | 'height'>): Region {
  return { left: 0, top: 0, width: raster.width, height: raster.height };
}

/** The pixels a stroke from one place to another can change; null when it passes outside the picture. */
export function segmentRegion(raster: MaskRaster, from: BrushPoint, to: BrushPoint): Region | null {
  const left = Math.max(0, Math.floor(Math.min(from.x - from.radius, to.x - to.radius) - 1));
  const top = Math.max(0, Math.floor(Math.min(from.y - from.radius, to.y - to.radius) - 1));
  const right = Math.min(raster.width, Math.ceil(Math.max(from.x + from.radius, to.x + to.radius) + 1));
  const bottom = Math.min(raster.height, Math.ceil(Math.max(from.y + from.radius, to.y + to.radius) + 1));
  return right <= left || bottom <= top ? null : { left, top, width: right - left, height: bottom - top };
}

/**
 * Draws a round brush along a line. The stronger of old and new stays, so that a soft brush does not build up where the
 * pieces of a stroke overlap; the eraser takes in the same way.
 */
export function paintSegment(raster: MaskRaster, from: BrushPoint, to: BrushPoint, tip: BrushTip): Region | null {
  const region = segmentRegion(raster, from, to);
  if (region === null) return null;
  const { data, width } = raster;
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length2 = dx * dx + dy * dy;
  const growth = to.radius - from.radius;
  const softness = 1 - tip.hardness;
  for (let y = region.top; y < region.top + region.height; y++) {
    const py = y + 0.5 - from.y;
    for (let x = region.left; x < region.left + region.width; x++) {
      const px = x + 0.5 - from.x;
      const along = length2 === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length2));
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const radius = from.radius + along * growth;
      const cover = (radius + 0.5 - distance) / Math.max(1, radius * softness);
      if (cover <= 0) continue;
      const value = cover >= 1 ? 255 : Math.round(255 * cover);
      const index = y * width + x;
      const before = data[index] ?? 0;
      data[index] = tip.erase ? Math.min(before, 255 - value) : Math.max(before, value);
    }
  }
  return region;
}

export function invertMask(raster: MaskRaster): void {
  const { data } = raster;
  for (let index = 0; index < data.length; index++) data[index] = 255 - (data[index] ?? 0);
}

/** What a mask covers. */
export interface MaskMeasure {
  /** Share of the pixels that are painted again, 0..1. */
  readonly coverage: number;
  /** The smallest rectangle around everything that is not black; null for an empty mask. */
  readonly bounds: Region | null;
}

export function measureMask({ width, height, data }: MaskRaster): MaskMeasure {
  let painted = 0;
  let left = width;
  let right = -1;
  let top = -1;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let first = -1;
    let last = -1;
    for (let x = 0; x < width; x++) {
      const value = data[row + x] ?? 0;
      if (value === 0) continue;
      if (first === -1) first = x;
      last = x;
      if (value >= maskThreshold) painted++;
    }
    if (first === -1) continue;
    if (top === -1) top = y;
    bottom = y;
    left = Math.min(left, first);
    right = Math.max(right, last);
  }
  const bounds = top === -1 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
  return { coverage: painted / (width * height), bounds };
}

/** Rec. 601 luma of RGBA pixels as Pillow's `convert("L")` takes it, put into the mask from `firstRow` on. */
export function putLuma(raster: MaskRaster, rgba: Uint8ClampedArray, firstRow: number): void {
  const start = firstRow * raster.width;
  for (let index = 0; index < rgba.length / 4; index++) {
    const at = index * 4;
    const sum = (rgba[at] ?? 0) * 19595 + (rgba[at + 1] ?? 0) * 38470 + (rgba[at + 2] ?? 0) * 7471 + 0x8000;
    raster.data[start + index] = sum >> 16;
  }
}
