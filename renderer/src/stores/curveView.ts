import { createStore } from 'zustand/vanilla';

/** Below this height of the window the picture needs the room more. */
const roomyPx = 960;

export interface CurveViewState {
  /** Whether the curve of the run is open under the picture. */
  readonly open: boolean;
}

export const curveViewStore = createStore<CurveViewState>(() => ({ open: window.innerHeight >= roomyPx }));
