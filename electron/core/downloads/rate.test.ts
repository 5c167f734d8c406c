import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRate, createThrottle } from './rate.ts';

describe('the rate of a download', () => {
  it('is that of the last five seconds, by the time between the bytes', () => {
    const rate = createRate();
    for (let at = 0; at <= 3000; at += 100) rate.saw(at * 400, at);
    expect(rate.perSecond(3000)).toBe(400_000);
    // A quarter of it from then on: the window slides over to it.
    for (let at = 3100; at <= 20_000; at += 100) rate.saw(1_200_000 + (at - 3000) * 100, at);
    expect(rate.perSecond(20_000)).toBeCloseTo(100_000, 6);
  });

  it('falls while nothing comes, and is none after five seconds without a byte', () => {
    const rate = createRate();
    rate.saw(0, 0);
    rate.saw(500_000, 1000);
    expect(rate.perSecond(1000)).toBe(500_000);
    expect(rate.perSecond(5000)).toBe(100_000);
    expect(rate.perSecond(6001)).toBe(0);
  });

  it('counts from anew after a pause, and bytes that were thrown away are no speed', () => {
    const rate = createRate();
    rate.saw(0, 0);
    rate.saw(900_000, 1000);
    rate.reset();
    rate.saw(900_000, 60_000);
    expect(rate.perSecond(60_000)).toBe(0);
    rate.saw(0, 61_000);
    expect(rate.perSecond(61_000)).toBe(0);
  });
});

describe('telling of progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('comes at once, then once in its time, and last with what is newest', () => {
    const at: number[] = [];
    const began = performance.now();
    const throttle = createThrottle(250, () => at.push(performance.now() - began));
    for (let ms = 0; ms < 1000; ms += 10) {
      throttle.soon();
      vi.advanceTimersByTime(10);
    }
    vi.advanceTimersByTime(1000);
    expect(at).toEqual([0, 250, 500, 750, 1000]);
  });

  it('does not wait with news, and is silent after its end', () => {
    let times = 0;
    const throttle = createThrottle(250, () => times++);
    throttle.soon();
    throttle.now();
    expect(times).toBe(2);
    throttle.soon();
    throttle.cancel();
    vi.advanceTimersByTime(1000);
    expect(times).toBe(2);
  });
});
