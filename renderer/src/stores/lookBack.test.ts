import { describe, expect, it } from 'vitest';
import { applyJobEvent, emptySnapshot, type JobEvent, type JobSnapshot } from '../../../shared/job.ts';
import { picture, preview, request, stepDone } from '../testing/samples.ts';
import { nextLook, previewsByStep } from './lookBack.ts';
import { shownFrame } from './shownFrame.ts';

function run(...events: JobEvent[]): JobSnapshot {
  return events.reduce(applyJobEvent, emptySnapshot('a', request, 0));
}

const three = run(stepDone('a', 0), preview('a', 0), stepDone('a', 1), preview('a', 1), stepDone('a', 2), preview('a', 2));

describe('looking back', () => {
  it('goes step by step and ends live', () => {
    expect(nextLook(three, null, -1)).toBe(1);
    expect(nextLook(three, 1, -1)).toBe(0);
    expect(nextLook(three, 0, -1)).toBe(0);
    expect(nextLook(three, 1, 1)).toBe(2);
    expect(nextLook(three, 2, 1)).toBeNull();
    expect(nextLook(three, null, 1)).toBeNull();
  });

  it('starts from the last step when the result is shown', () => {
    expect(nextLook({ ...three, pictures: [picture('p')] }, null, -1)).toBe(2);
  });

  it('prefers a decoded preview, in whatever order they came', () => {
    const linear = { stepIndex: 0, width: 16, height: 16, url: 'linear', source: 'linear', region: null } as const;
    const decoder = { ...linear, url: 'decoder', source: 'decoder' } as const;
    expect(previewsByStep([linear, decoder]).get(0)?.url).toBe('decoder');
    expect(previewsByStep([decoder, linear]).get(0)?.url).toBe('decoder');
  });
});

describe('the canvas', () => {
  it('shows the newest preview, or the step looked at', () => {
    expect(shownFrame(three, null, null)).toMatchObject({ src: '/runs/a/2.png?linear', step: 3 });
    expect(shownFrame(three, null, 0)).toMatchObject({ src: '/runs/a/0.png?linear', step: 1 });
  });

  it('shows the frame before when a step has none', () => {
    expect(shownFrame(run(stepDone('a', 0), preview('a', 0), stepDone('a', 1)), null, null)?.step).toBe(1);
  });

  it('shows the result in the same stream, so that nothing flickers', () => {
    const result = picture('p', { jobId: 'a' });
    expect(shownFrame(three, result, null)).toEqual({ src: '/pictures/p.png', stream: 'a', step: null });
    expect(shownFrame(three, result, 1)?.step).toBe(2);
  });

  it('is blank before the first preview', () => {
    expect(shownFrame(run(), null, null)).toBeNull();
  });
});
