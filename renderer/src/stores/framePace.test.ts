import { describe, expect, it } from 'vitest';
import { createFramePace, type PaceClock } from './framePace.ts';

/** A clock that goes on only when told. */
function fakeClock(): PaceClock & { pass(ms: number): void; hidden: boolean } {
  let now = 0;
  let planned: { at: number; work: () => void }[] = [];
  return {
    hidden: false,
    now: () => now,
    isHidden() {
      return this.hidden;
    },
    later: (ms, work) => {
      planned.push({ at: now + ms, work });
    },
    pass: (ms) => {
      now += ms;
      const due = planned.filter(({ at }) => at <= now);
      planned = planned.filter(({ at }) => at > now);
      for (const { work } of due) work();
    },
  };
}

function paced(clock: PaceClock) {
  const taken: (readonly string[])[] = [];
  return { taken, pace: createFramePace<string>((items) => taken.push(items), (item) => item.startsWith('step'), clock) };
}

describe('a frame pace', () => {
  it('hands on together what comes within a thirtieth of a second, in order', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    pace.add('step 1');
    clock.pass(0);
    expect(taken).toEqual([['step 1']]);
    for (const step of [2, 3, 4]) {
      pace.add(`step ${String(step)}`);
      clock.pass(9);
    }
    expect(taken).toHaveLength(1);
    clock.pass(9);
    expect(taken).toEqual([['step 1'], ['step 2', 'step 3', 'step 4']]);
  });

  it('lets nothing wait that may not, and keeps the order', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    pace.add('step 1');
    clock.pass(0);
    pace.add('step 2');
    pace.add('stopped');
    expect(taken).toEqual([['step 1'], ['step 2', 'stopped']]);
    clock.pass(100);
    expect(taken).toHaveLength(2);
  });

  it('keeps a page out of sight in step, more seldom', () => {
    const clock = fakeClock();
    const { taken, pace } = paced(clock);
    clock.hidden = true;
    pace.add('step 1');
    clock.pass(0);
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
