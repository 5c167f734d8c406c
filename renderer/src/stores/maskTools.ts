import { createStore } from 'zustand/vanilla';

export interface MaskTools {
  readonly tool: 'brush' | 'eraser';
  /** Diameter in pixels of the picture. */
  readonly size: number;
  /** Share of the radius that is fully covered, 0..1. */
  readonly hardness: number;
  /** Standard deviation of the feather, in pixels of the picture. */
  readonly feather: number;
}

export const maskToolsStore = createStore<MaskTools>(() => ({ tool: 'brush', size: 32, hardness: 0.9, feather: 4 }));

export const brushSizes = { min: 1, max: 1024 };

/** A size that is easy to paint with at first: a seventh of the shorter side, for what is left uncovered shows through. */
export function firstBrushSize(width: number, height: number): number {
  return Math.min(brushSizes.max, Math.max(4, Math.round(Math.min(width, height) / 7)));
}

export function setMaskTools(change: Partial<MaskTools>): void {
  maskToolsStore.setState(change);
}

/** One press of `[` or `]`: about a sixth smaller or larger, at least one pixel. */
export function stepBrushSize(by: -1 | 1): void {
  const { size } = maskToolsStore.getState();
  const next = by === 1 ? Math.max(size + 1, Math.round(size * 1.2)) : Math.min(size - 1, Math.round(size / 1.2));
  setMaskTools({ size: Math.min(brushSizes.max, Math.max(brushSizes.min, next)) });
}
