import { createStore } from 'zustand/vanilla';
import type { CallOutput } from '../../../shared/contract.ts';
import type { Model } from '../../../shared/models.ts';
import type { LinkState } from '../bridge.ts';

export type AppInfo = CallOutput<'app.info'>;

export interface AppState {
  readonly link: LinkState;
  /** Attempts to connect that failed since the connection was lost. */
  readonly retries: number;
  /** True once the first full read of the core has been taken in; before, panels show their skeletons. */
  readonly ready: boolean;
  readonly info: AppInfo | null;
  readonly models: readonly Model[];
}

export const appStore = createStore<AppState>(() => ({ link: 'connecting', retries: 0, ready: false, info: null, models: [] }));
