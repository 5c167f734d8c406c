import { createStore } from 'zustand/vanilla';
import type { Surface } from './surface.ts';

export interface SurfaceState {
  readonly surface: Surface | null;
  /** Screen pixels a pixel of the picture takes. */
  readonly scale: number;
  readonly fitted: boolean;
}

export const surfaceStore = createStore<SurfaceState>(() => ({ surface: null, scale: 1, fitted: true }));

/** One press of a zoom key or button. */
export const zoomStep = 1.4;
