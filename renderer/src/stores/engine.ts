import { createStore } from 'zustand/vanilla';
import type { EngineStatus } from '../../../shared/contract.ts';

export interface EngineState {
  readonly status: EngineStatus | null;
}

export const engineStore = createStore<EngineState>(() => ({ status: null }));

/** Answers and events may cross; one of an older engine process is dropped. */
export function applyEngineStatus(status: EngineStatus): void {
  const known = engineStore.getState().status;
  if (known !== null && status.generation < known.generation) return;
  engineStore.setState({ status });
}
