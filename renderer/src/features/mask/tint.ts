import type { Region } from '../../../../shared/job.ts';
import { maskThreshold, type MaskRaster } from '../../stores/maskRaster.ts';
import type { View } from './viewTransform.ts';

/** A red that no photograph is made of, seen through; the edge alternates so that it shows on every ground. Red, green, blue. */
const tint = [255, 32, 88] as const;
const strongest = 140;
const dash = 5;
/** Samples along one axis of a screen pixel, at most. */
const mostSamples = 4;

/** A little-endian RGBA pixel, as ImageData holds them. */
function pixel(red: number, green: number, blue: number, alpha: number): number {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

const light = pixel(255, 255, 255, 255);
const dark = pixel(20, 10, 14, 255);
const tints = Uint32Array.from({ length: 256 }, (_, value) => pixel(...tint, Math.round((strongest * value) / 255)));

/** The device pixels that a region of the mask covers, with its edge, clipped to the screen; null: none. `view` is in device pixels. */
export function screenRegion(region: Region, view: View, screen: { readonly width: number; readonly height: number }): Region | null {
  const left = Math.max(0, Math.floor(region.left * view.scale + view.x) - 2);
  const top = Math.max(0, Math.floor(region.top * view.scale + view.y) - 2);
  const right = Math.min(screen.width, Math.ceil((region.left + region.width) * view.scale + view.x) + 2);
  const bottom = Math.min(screen.height, Math.ceil((region.top + region.height) * view.scale + view.y) + 2);
  return right <= left || bottom <= top ? null : { left, top, width: right - left, height: bottom - top };
}

/**
 * Draws the mask as a tint with a dashed edge, one value per device pixel of `area`: what it costs depends on the screen,
 * not on the picture.
 * @param out `area.width * area.height` pixels, row by row.
 */
export function drawTint(out: Uint32Array, area: Region, raster: MaskRaster, view: View): void {
  const columns = sampled(area.left - 1, area.width + 1, view.x, view.scale, raster.width);
  const rows = sampled(area.top - 1, area.height + 1, view.y, view.scale, raster.height);
  const wide = area.width + 1;
  let above = new Uint8Array(wide);
  let here = new Uint8Array(wide);
  for (let y = 0; y <= area.height; y++) {
    sampleRow(here, raster, columns, rows, y);
    if (y > 0) {
      for (let x = 1; x < wide; x++) {
        const value = here[x] ?? 0;
        const inside = value >= maskThreshold;
        const edge = inside !== (here[x - 1] ?? 0) >= maskThreshold || inside !== (above[x] ?? 0) >= maskThreshold;
        const lit = (area.left + x + area.top + y) % (2 * dash) < dash;
        out[(y - 1) * area.width + x - 1] = edge ? (lit ? light : dark) : (tints[value] ?? 0);
      }
    }
    [above, here] = [here, above];
  }
}

interface Samples {
  readonly each: number;
  /** Indices into the mask along one axis, `each` for every screen pixel; -1 outside the picture. */
  readonly at: Int32Array;
}

function sampled(first: number, count: number, offset: number, scale: number, limit: number): Samples {
  const each = Math.min(mostSamples, Math.max(1, Math.round(1 / scale)));
  const at = new Int32Array(count * each);
  for (let index = 0; index < at.length; index++) {
    const place = Math.floor((first + (index + 0.5) / each - offset) / scale);
    at[index] = place < 0 || place >= limit ? -1 : place;
  }
  return { each, at };
}

function sampleRow(into: Uint8Array, raster: MaskRaster, columns: Samples, rows: Samples, row: number): void {
  const { each } = columns;
  if (each === 1) {
    const y = rows.at[row] ?? -1;
    const start = y * raster.width;
    for (let x = 0; x < into.length; x++) {
      const column = columns.at[x] ?? -1;
      into[x] = y < 0 || column < 0 ? 0 : (raster.data[start + column] ?? 0);
    }
    return;
  }
  for (let x = 0; x < into.length; x++) {
    let sum = 0;
    for (let j = 0; j < each; j++) {
      const y = rows.at[row * each + j] ?? -1;
      if (y < 0) continue;
      for (let i = 0; i < each; i++) {
        const column = columns.at[x * each + i] ?? -1;
        if (column >= 0) sum += raster.data[y * raster.width + column] ?? 0;
      }
    }
    into[x] = Math.round(sum / (each * each));
  }
}
