import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { GenerationRequest } from '../../../../shared/generation.ts';
import { applyJobEvent, emptySnapshot, type JobSnapshot } from '../../../../shared/job.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { shownFrame } from '../../stores/shownFrame.ts';
import { compare, noteOnScreen, turnStage } from '../../stores/stageSide.ts';
import { picture, request, stepDone } from '../../testing/samples.ts';
import { RunPicture } from './RunPicture.tsx';

const image = { id: 'a'.repeat(64), width: 200, height: 100 };
const mask = { id: 'b'.repeat(64), width: 200, height: 100 };
const inpaint: GenerationRequest = { ...request, task: 'inpaint', image, mask, maskPadding: 8 };
const url = '/runs/a/0.png';

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  turnStage('result');
  noteOnScreen(url);
  vi.stubGlobal('ResizeObserver', class {
    observe(): void {}
    disconnect(): void {}
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function running(of: GenerationRequest): JobSnapshot {
  const preview = { stepIndex: 0, width: 8, height: 8, url, source: 'linear', region: { left: 50, top: 20, width: 100, height: 50 } } as const;
  const job = applyJobEvent(emptySnapshot('a', of, 0), stepDone('a', 0));
  return applyJobEvent(job, { jobId: 'a', kind: 'preview', preview });
}

function show(of: GenerationRequest, job: JobSnapshot): void {
  render(<RunPicture request={of} job={job} picture={null} frame={shownFrame(job, null, null)} />);
}

it('a part develops where it lies in the picture, and only where the mask lets it', () => {
  show(inpaint, running(inpaint));
  expect(screen.getByTestId('start-layer').getAttribute('src')).toBe(`/inputs/${image.id}.png`);
  const place = screen.getByRole('img', { name: /Preview after step/ }).parentElement;
  expect(place?.style.left).toBe('25%');
  expect(place?.style.top).toBe('20%');
  expect(place?.style.width).toBe('50%');
  expect(place?.style.height).toBe('50%');
  expect(place?.parentElement?.getAttribute('style')).toContain(mask.id);
});

it('what is drawn anew outside the mask too is shown whole', () => {
  const of = { ...inpaint, keepUnmasked: false };
  show(of, running(of));
  expect(screen.getByRole('img', { name: /Preview after step/ }).parentElement?.parentElement?.getAttribute('style') ?? '').not.toContain(mask.id);
});

it('pictures that are drawn together are shown as the engine lays them out', () => {
  const of = { ...inpaint, imagesPerPrompt: 2 };
  show(of, running(of));
  expect(screen.queryByTestId('start-layer')).toBeNull();
});

it('a result stands alone, and gives way to its start while that is asked for', () => {
  const done = picture('p', { request: inpaint, width: 200, height: 100 });
  render(<RunPicture request={inpaint} job={null} picture={done} frame={shownFrame(null, done, null)} />);
  expect(screen.queryByTestId('start-layer')).toBeNull();
  act(() => compare(true));
  expect(screen.getByRole('img', { name: 'Start picture' })).toBeDefined();
  act(() => compare(false));
  expect(screen.queryByTestId('start-layer')).toBeNull();
});
