/** Bytes per second over the last seconds. */
export interface Rate {
  /** `total`: of everything so far. */
  saw(total: number, now?: number): void;
  perSecond(now?: number): number;
  /** Forgets, e.g. when it begins again after a pause. */
  reset(): void;
}

const windowMs = 5000;
/** Samples nearer than this replace each other: a window holds few of them at any speed. */
const grainMs = 100;

export function createRate(): Rate {
  let samples: { at: number; total: number }[] = [];
  return {
    saw: (total, now = performance.now()) => {
      const last = samples.at(-1);
      if (samples.length > 1 && last !== undefined && now - last.at < grainMs) {
        last.total = total;
        return;
      }
      samples.push({ at: now, total });
      while (samples.length > 2 && now - (samples[1]?.at ?? now) > windowMs) samples.shift();
    },
    perSecond: (now = performance.now()) => {
      const first = samples[0];
      const last = samples.at(-1);
      if (first === undefined || last === undefined || first === last || now - last.at > windowMs) return 0;
      return Math.max(0, ((last.total - first.total) * 1000) / Math.max(now - first.at, 1));
    },
    reset: () => {
      samples = [];
    },
  };
}

/** Calls `act` at once, then at most every `ms`, and once more after the last call. */
export function createThrottle(ms: number, act: () => void): { soon(): void; now(): void; cancel(): void } {
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  const cancel = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  const now = (): void => {
    cancel();
    last = performance.now();
    act();
  };
  return {
    now,
    cancel,
    soon: () => {
      if (timer !== null) return;
      const wait = last + ms - performance.now();
      if (wait <= 0) now();
      else timer = setTimeout(now, wait).unref();
    },
  };
}
