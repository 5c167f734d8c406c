/** Hashes big files in the background, one at a time. */
export interface Hasher {
  /** Once for each key: asked again while it waits or goes on, nothing more happens. */
  add(key: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Breaks off, or takes out of the queue. */
  cancel(key: string): void;
  /** Breaks off everything. */
  close(): void;
}

export function createHasher(): Hasher {
  const waiting = new Map<string, (signal: AbortSignal) => Promise<void>>();
  let going: { readonly key: string; readonly abort: AbortController } | null = null;
  let closed = false;

  const next = (): void => {
    const [first] = waiting;
    if (going !== null || first === undefined || closed) return;
    const [key, work] = first;
    waiting.delete(key);
    const abort = new AbortController();
    going = { key, abort };
    // A file that went away meanwhile is hashed when it is back.
    void work(abort.signal)
      .catch(() => undefined)
      .finally(() => {
        going = null;
        next();
      });
  };

  return {
    add: (key, work) => {
      if (going?.key === key) return;
      waiting.set(key, work);
      next();
    },
    cancel: (key) => {
      waiting.delete(key);
      if (going?.key === key) going.abort.abort();
    },
    close: () => {
      closed = true;
      waiting.clear();
      going?.abort.abort();
    },
  };
}
