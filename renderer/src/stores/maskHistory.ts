import type { Region } from '../../../shared/job.ts';
import type { MaskRaster } from './maskRaster.ts';
import { packBytes, unpackBytes } from './runLength.ts';

const tileSide = 64;
/** Steps kept at least, and bytes beyond which older ones are forgotten. */
const leastSteps = 50;
const mostBytes = 48 * 2 ** 20;

interface Tile {
  readonly region: Region;
  readonly packed: Uint8Array;
}

/** The tiles one operation changed, as they are on the other side of it. */
type Change = readonly Tile[];

/** Undo and redo of a mask: each operation keeps only the tiles it touched, run-length packed. */
export interface MaskHistory {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** To be told before pixels change; what is touched first begins an operation. */
  touch(region: Region): void;
  /** Ends the operation. False when nothing was changed. */
  commit(): boolean;
  /** Takes the operation that has begun back; returns what changed. */
  cancel(): Region | null;
  undo(): Region | null;
  redo(): Region | null;
}

export function createMaskHistory(raster: MaskRaster): MaskHistory {
  const across = Math.ceil(raster.width / tileSide);
  const past: Change[] = [];
  let future: Change[] = [];
  const open = new Map<number, Uint8Array>();

  const tileRegion = (tile: number): Region => {
    const left = (tile % across) * tileSide;
    const top = Math.floor(tile / across) * tileSide;
    return { left, top, width: Math.min(tileSide, raster.width - left), height: Math.min(tileSide, raster.height - top) };
  };

  /** Puts a change in place and returns the one that leads back. */
  const swap = (change: Change): Change =>
    change.map(({ region, packed }) => {
      const now = packBytes(readTile(raster, region));
      writeTile(raster, region, unpackBytes(packed, region.width * region.height));
      return { region, packed: now };
    });

  const forgetOldest = (): void => {
    const sizes = past.map((change) => change.reduce((sum, { packed }) => sum + packed.length, 0));
    let bytes = sizes.reduce((sum, size) => sum + size, 0);
    while (past.length > leastSteps && bytes > mostBytes) {
      past.shift();
      bytes -= sizes.shift() ?? 0;
    }
  };

  return {
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },
    touch: (region) => {
      const lastColumn = Math.floor((region.left + region.width - 1) / tileSide);
      const lastRow = Math.floor((region.top + region.height - 1) / tileSide);
      for (let row = Math.floor(region.top / tileSide); row <= lastRow; row++) {
        for (let column = Math.floor(region.left / tileSide); column <= lastColumn; column++) {
          const tile = row * across + column;
          if (!open.has(tile)) open.set(tile, readTile(raster, tileRegion(tile)));
        }
      }
    },
    commit: () => {
      const change: Tile[] = [];
      for (const [tile, before] of open) {
        const region = tileRegion(tile);
        if (!isSame(before, readTile(raster, region))) change.push({ region, packed: packBytes(before) });
      }
      open.clear();
      if (change.length === 0) return false;
      past.push(change);
      future = [];
      forgetOldest();
      return true;
    },
    cancel: () => {
      const regions = [...open].map(([tile, before]) => {
        const region = tileRegion(tile);
        writeTile(raster, region, before);
        return region;
      });
      open.clear();
      return unite(regions);
    },
    undo: () => {
      const change = past.pop();
      if (change === undefined) return null;
      future.push(swap(change));
      return unite(change.map(({ region }) => region));
    },
    redo: () => {
      const change = future.pop();
      if (change === undefined) return null;
      past.push(swap(change));
      return unite(change.map(({ region }) => region));
    },
  };
}

/** The smallest rectangle around all of them; null for none. */
export function unite(regions: readonly Region[]): Region | null {
  if (regions.length === 0) return null;
  const left = Math.min(...regions.map((region) => region.left));
  const top = Math.min(...regions.map((region) => region.top));
  const right = Math.max(...regions.map((region) => region.left + region.width));
  const bottom = Math.max(...regions.map((region) => region.top + region.height));
  return { left, top, width: right - left, height: bottom - top };
}

function readTile(raster: MaskRaster, { left, top, width, height }: Region): Uint8Array {
  const bytes = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * raster.width + left;
    bytes.set(raster.data.subarray(start, start + width), y * width);
  }
  return bytes;
}

function writeTile(raster: MaskRaster, { left, top, width, height }: Region, bytes: Uint8Array): void {
  for (let y = 0; y < height; y++) {
    raster.data.set(bytes.subarray(y * width, (y + 1) * width), (top + y) * raster.width + left);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((value, index) => value === b[index]);
}
