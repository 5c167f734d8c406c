import { createStore } from 'zustand/vanilla';

/** The part of the painting surface that buttons and keys reach. */
export interface Zoomed {
  zoom(factor: number): void;
  fit(): void;
}

export interface SurfaceState {
  readonly surface: Zoomed | null;
  /** Screen pixels a pixel of the picture takes. */
  readonly scale: number;
  readonly fitted: boolean;
}

export const surfaceStore = createStore<SurfaceState>(() => ({ surface: null, scale: 1, fitted: true }));

/** One press of a zoom key or button. */
export const zoomStep = 1.4;
