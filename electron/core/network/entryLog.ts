import type { NetworkEntry } from '../../../shared/models.ts';

/** The last requests, oldest first. */
export interface EntryLog {
  open(entry: Pick<NetworkEntry, 'method' | 'url' | 'why'>): OpenEntry;
  list(): NetworkEntry[];
}

export interface OpenEntry {
  answered(status: number): void;
  received(bytes: number): void;
  /** Only the first call counts. `problem`: why it was not made or broke off. */
  close(problem: string | null): void;
}

/** Milliseconds between two announcements of a growing entry. */
const pace = 1000;

export function createEntryLog(onEntry: (entry: NetworkEntry) => void, limit: number): EntryLog {
  const entries: NetworkEntry[] = [];
  let nextId = 1;
  const open = (what: Pick<NetworkEntry, 'method' | 'url' | 'why'>): OpenEntry => {
    const entry: NetworkEntry = { ...what, id: nextId++, at: Date.now(), status: null, bytes: 0, ms: null, problem: null };
    const began = performance.now();
    let told = began;
    entries.push(entry);
    if (entries.length > limit) entries.shift();
    const tell = (): void => {
      told = performance.now();
      onEntry({ ...entry });
    };
    tell();
    return {
      answered: (status) => {
        entry.status = status;
        tell();
      },
      received: (bytes) => {
        entry.bytes += bytes;
        if (performance.now() - told >= pace) tell();
      },
      close: (problem) => {
        if (entry.ms !== null) return;
        entry.ms = Math.round(performance.now() - began);
        entry.problem = problem;
        tell();
      },
    };
  };
  return { open, list: () => entries.map((entry) => ({ ...entry })) };
}
