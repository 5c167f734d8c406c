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
  /** Once the frame that is being made is drawn. */
  afterFrame(work: () => void): void;
}

/** A model that makes a step in 10 ms tells more than a screen shows, and an eye sees: thirty pictures a second are smooth. */
const everyMs = 30;
/** A step and its preview come one after the other and are drawn together. */
const gatherMs = 20;
/** Drawing takes at most this part of the page's time: the rest is for the hand on it, and for the engine beside it. */
const drawingShare = 1 / 4;
/** However slow the machine: a run is seen to go on. */
const slowestEveryMs = 150;
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
  afterFrame: (work) => {
    // Behind its animation callbacks a frame is laid out and painted before the next message is taken.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      work();
    };
    port2.postMessage(null);
  },
};

/** `paced`: as often as a screen and the page's time allow; `frame`: with the next frame; `now`: at once. */
export type Haste = 'paced' | 'frame' | 'now';

/**
 * @param take gets what waits, at once; it draws one frame whatever their number
 * @param hasteOf an item never overtakes those before it: they go on with it
 */
export function createFramePace<T>(take: (items: readonly T[]) => void, hasteOf: (item: T) => Haste, clock: PaceClock = pageClock): FramePace<T> {
  let waiting: T[] = [];
  let takenAt = -Infinity;
  let drawnMs = 0;
  const planned = new Set<Haste>();

  const flush = (): void => {
    const items = waiting;
    waiting = [];
    if (items.length === 0) return;
    takenAt = clock.now();
    take(items);
  };

  const draw = (): void => {
    if (waiting.length === 0) return;
    const begun = clock.now();
    flush();
    clock.afterFrame(() => {
      drawnMs = clock.now() - begun;
    });
  };

  const wait = (haste: Haste): number => {
    if (haste === 'frame') return 0;
    const every = clock.isHidden() ? hiddenEveryMs : Math.max(everyMs, Math.min(drawnMs / drawingShare, slowestEveryMs));
    return Math.max(gatherMs, takenAt + every - clock.now());
  };

  return {
    flush,
    add: (item) => {
      waiting.push(item);
      const haste = hasteOf(item);
      if (haste === 'now') {
        flush();
        return;
      }
      if (planned.has(haste)) return;
      planned.add(haste);
      clock.later(wait(haste), () => {
        planned.delete(haste);
        draw();
      });
    },
  };
}
