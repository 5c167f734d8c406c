import { describe, expect, it } from 'vitest';
import { createFramePace, type Haste, type PaceClock } from './framePace.ts';

/** A clock that goes on only when told. */
function fakeClock(): PaceClock & { pass(ms: number): void; hidden: boolean; drawingMs: number } {
  let now = 0;
  let planned: { at: number; work: () => void }[] = [];
  return {
    hidden: false,
    /** What a frame takes to be drawn. */
    drawingMs: 0,
    now: () => now,
    isHidden() {
      return this.hidden;
    },
    later: (ms, work) => {
      planned.push({ at: now + ms, work });
    },
    afterFrame(work) {
      now += this.drawingMs;
      work();
    },
    pass: (ms) => {
      now += ms;
      const due = planned.filter(({ at }) => at <= now);
      planned = planned.filter(({ at }) => at > now);
      for (const { work } of due) work();
    },
  };
}

function hasteOf(item: string): Haste {
  return item.startsWith('step') ? 'paced' : item === 'finished' ? 'frame' : 'now';
}

function paced(clock: PaceClock) {
  const taken: (readonly string[])[] = [];
  return { taken, pace: createFramePace<string>((items) => taken.push(items), hasteOf, clock) };
}

describe('a frame pace', () => {
  it('hands on together what comes within a thirtieth of a second, in order', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    pace.add('step 1');
    clock.pass(20);
    expect(taken).toEqual([['step 1']]);
    for (const step of [2, 3, 4]) {
      pace.add(`step ${String(step)}`);
      clock.pass(9);
    }
    expect(taken).toHaveLength(1);
    clock.pass(9);
    expect(taken).toEqual([['step 1'], ['step 2', 'step 3', 'step 4']]);
  });

  it('draws a step together with its preview, however long nothing came before', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    clock.pass(1000);
    pace.add('step 1');
    clock.pass(10);
    pace.add('step 1 preview');
    clock.pass(10);
    expect(taken).toEqual([['step 1', 'step 1 preview']]);
  });

  it('draws more seldom where a frame takes long, but no more seldom than seven times a second', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    const takenAfter = (ms: number): boolean => {
      const before = taken.length;
      pace.add('step');
      clock.pass(ms);
      return taken.length > before;
    };
    clock.drawingMs = 20;
    expect(takenAfter(20)).toBe(true);
    // Four times what the frame took, since its beginning.
    expect(takenAfter(59)).toBe(false);
    clock.drawingMs = 60;
    expect(takenAfter(1)).toBe(true);
    expect(takenAfter(89)).toBe(false);
    expect(takenAfter(1)).toBe(true);
  });

  it('lets nothing wait that may not, and keeps the order', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    pace.add('step 1');
    clock.pass(20);
    pace.add('step 2');
    pace.add('stopped');
    expect(taken).toEqual([['step 1'], ['step 2', 'stopped']]);
    clock.pass(100);
    expect(taken).toHaveLength(2);
  });

  it('makes one frame of a run that ends and the next that begins', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    pace.add('step 1');
    clock.pass(20);
    pace.add('step 2');
    pace.add('finished');
    pace.add('step 1 of the next');
    expect(taken).toHaveLength(1);
    clock.pass(0);
    expect(taken).toEqual([['step 1'], ['step 2', 'finished', 'step 1 of the next']]);
  });

  it('keeps a page out of sight in step, more seldom', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    clock.hidden = true;
    pace.add('step 1');
    clock.pass(20);
    pace.add('step 2');
    clock.pass(150);
    expect(taken).toHaveLength(1);
    clock.pass(50);
    expect(taken).toEqual([['step 1'], ['step 2']]);
  });

  it('hands on what waits when asked to', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    pace.add('step 1');
    pace.flush();
    pace.flush();
    clock.pass(50);
    expect(taken).toEqual([['step 1']]);
  });
});
