import { createStore } from 'zustand/vanilla';
import type { Region } from '../../../shared/job.ts';
import { readRows } from './decodePicture.ts';
import { featherMask } from './maskBlur.ts';
import { createMaskHistory, type MaskHistory } from './maskHistory.ts';
import {
  createMaskRaster,
  invertMask,
  measureMask,
  paintSegment,
  putLuma,
  segmentRegion,
  wholeOf,
  type BrushPoint,
  type BrushTip,
  type MaskMeasure,
  type MaskRaster,
} from './maskRaster.ts';

/** What of the mask is shown outside the painting surface; the pixels themselves are no React state. */
export interface MaskState extends MaskMeasure {
  /** Sides of the picture it belongs to; null: there is no mask to paint. */
  readonly sides: { readonly width: number; readonly height: number } | null;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** A stored mask is being read. */
  readonly loading: boolean;
  /** Counts the finished operations, so that what follows from the pixels can follow. */
  readonly revision: number;
}

const noMask: MaskState = { sides: null, canUndo: false, canRedo: false, loading: false, revision: 0, coverage: 0, bounds: null };

export const maskStore = createStore<MaskState>(() => noMask);

interface MaskDocument {
  readonly raster: MaskRaster;
  readonly history: MaskHistory;
}

let current: MaskDocument | null = null;
const painters = new Set<(region: Region) => void>();

export function currentMask(): MaskRaster | null {
  return current?.raster ?? null;
}

/** Tells at once which pixels have changed, while a stroke is being drawn too. */
export function onMaskPainted(painter: (region: Region) => void): () => void {
  painters.add(painter);
  return () => void painters.delete(painter);
}

function painted(region: Region | null): void {
  if (region !== null) for (const painter of painters) painter(region);
}

/** Puts a mask in place; what was painted before, and its history, are gone. One step of the revision. */
export function openMask(raster: MaskRaster | null): void {
  current = raster === null ? null : { raster, history: createMaskHistory(raster) };
  const revision = maskStore.getState().revision + 1;
  const shown = raster === null ? {} : { sides: { width: raster.width, height: raster.height }, ...measureMask(raster) };
  maskStore.setState({ ...noMask, ...shown, revision });
  if (raster !== null) painted(wholeOf(raster));
}

/** After an operation: what the interface shows of the mask. */
function refresh(): void {
  if (current === null) return;
  const { history, raster } = current;
  const { canUndo, canRedo } = history;
  maskStore.setState((state) => ({ ...measureMask(raster), canUndo, canRedo, revision: state.revision + 1 }));
}

/** One piece of a stroke; {@link endStroke} makes the pieces since the last one a single step of the history. */
export function strokeTo(from: BrushPoint, to: BrushPoint, tip: BrushTip): void {
  if (current === null) return;
  const region = segmentRegion(current.raster, from, to);
  if (region === null) return;
  current.history.touch(region);
  painted(paintSegment(current.raster, from, to, tip));
}

export function endStroke(): void {
  if (current?.history.commit() === true) refresh();
}

/** A stroke that turned out to be none: the second finger of a pinch came down. */
export function cancelStroke(): void {
  painted(current?.history.cancel() ?? null);
}

export function undoMask(): void {
  moveInHistory('undo');
}

export function redoMask(): void {
  moveInHistory('redo');
}

function moveInHistory(way: 'undo' | 'redo'): void {
  if (current === null) return;
  // A stroke in progress becomes a step first, so that it is what is undone.
  current.history.commit();
  const region = current.history[way]();
  if (region === null) return;
  painted(region);
  refresh();
}

/** An operation on all pixels, as one step of the history. */
function change(edit: (raster: MaskRaster) => void): void {
  if (current === null) return;
  const { raster, history } = current;
  history.commit();
  history.touch(wholeOf(raster));
  edit(raster);
  history.commit();
  painted(wholeOf(raster));
  refresh();
}

export function invertWholeMask(): void {
  change(invertMask);
}

export function fillMask(value: 0 | 255): void {
  change(({ data }) => void data.fill(value));
}

export function featherWholeMask(sigma: number): void {
  change((raster) => void featherMask(raster, sigma));
}

/** Puts another picture's brightness in place of the mask. */
export function replaceMask(next: MaskRaster): void {
  change(({ data }) => data.set(next.data));
}

/** The brightness of a picture, pixel by pixel. */
export async function rasterOf(bitmap: ImageBitmap): Promise<MaskRaster> {
  const raster = createMaskRaster(bitmap.width, bitmap.height);
  for await (const { firstRow, rgba } of readRows(bitmap)) putLuma(raster, rgba, firstRow);
  return raster;
}

