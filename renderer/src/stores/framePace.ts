/** Takes things as they come and hands them on at a pace that a screen can follow, in order. */
export interface FramePace<T> {
  add(item: T): void;
  /** Hands on all that waits, now. */
  flush(): void;
}

/** The parts of the page that a test puts others in place of. */
export interface PaceClock {
  now(): number;
  isHidden(): boolean;
  /** @param ms least wait; then with the next frame, where the page has frames */
  later(ms: number, work: () => void): void;
}

/** A model that makes a step in 10 ms tells more than a screen shows, and an eye sees: thirty pictures a second are smooth. */
const everyMs = 30;
/** A page out of sight gets no frames. */
const hiddenEveryMs = 200;

export const pageClock: PaceClock = {
  now: () => performance.now(),
  isHidden: () => document.hidden,
  later: (ms, work) => {
    window.setTimeout(() => {
      if (document.hidden) work();
      else requestAnimationFrame(work);
    }, ms);
  },
};

/**
 * @param take gets what waits, at once; it draws one frame whatever their number
 * @param mayWait what may not goes on at once, behind all that waits
 */
export function createFramePace<T>(take: (items: readonly T[]) => void, mayWait: (item: T) => boolean, clock: PaceClock = pageClock): FramePace<T> {
  let waiting: T[] = [];
  let takenAt = -Infinity;
  let isPlanned = false;

  const flush = (): void => {
    const items = waiting;
    waiting = [];
    if (items.length === 0) return;
    takenAt = clock.now();
    take(items);
  };

  const plan = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    const every = clock.isHidden() ? hiddenEveryMs : everyMs;
    clock.later(Math.max(0, takenAt + every - clock.now()), () => {
      isPlanned = false;
      flush();
    });
  };

  return {
    flush,
    add: (item) => {
      waiting.push(item);
      if (mayWait(item)) plan();
      else flush();
    },
  };
}
