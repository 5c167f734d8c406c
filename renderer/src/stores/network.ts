import { createStore } from 'zustand/vanilla';
import type { NetworkEntry } from '../../../shared/models.ts';
import { callCore } from './core.ts';
import { attempt } from './runActions.ts';

export interface NetworkState {
  /** Oldest first. */
  readonly entries: readonly NetworkEntry[];
}

export const networkStore = createStore<NetworkState>(() => ({ entries: [] }));

const mostKept = 500;

export async function readNetworkLog(): Promise<void> {
  await attempt(async () => networkStore.setState({ entries: await callCore('network.log', {}) }));
}

/** A request is told when it begins, while it goes on, and when it ends. */
export function receiveNetworkEntry(entry: NetworkEntry): void {
  networkStore.setState(({ entries }) => {
    const at = entries.findLastIndex(({ id }) => id === entry.id);
    return { entries: at < 0 ? [...entries, entry].slice(-mostKept) : entries.with(at, entry) };
  });
}
