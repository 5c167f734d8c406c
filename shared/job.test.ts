import { expect, it } from 'vitest';
import { parseGenerationRequest } from './generation.ts';
import { applyJobEvent, emptySnapshot, stepRecordSchema, type JobEvent, type JobSnapshot } from './job.ts';

const request = parseGenerationRequest({
  task: 'text-to-image',
  modelId: 'starter',
  prompt: 'a red house',
  negativePrompt: null,
  width: 128,
  height: 128,
  steps: 6,
  guidanceScale: 4,
  guidanceEnd: { kind: 'never' },
  scheduler: 'ddim',
  seed: '7',
});
const base = { jobId: 'a' };

function step(stepIndex: number, ms: number): JobEvent {
  const numbers = { numTimesteps: 6, timestep: 1, sigma: 1, guidanceScale: 4, guided: true, unetEvaluations: 2 };
  return { ...base, kind: 'step', step: stepRecordSchema.parse({ stepIndex, ms, ...numbers }) };
}

function preview(stepIndex: number, source: 'linear' | 'decoder'): JobEvent {
  return { ...base, kind: 'preview', preview: { stepIndex, source, width: 1, height: 1, url: `/${stepIndex}${source}`, region: null } };
}

function after(...events: JobEvent[]): JobSnapshot {
  return events.reduce(applyJobEvent, emptySnapshot('a', request, 0));
}

it('lets steps that are made again take the place of the old ones and of what followed them', () => {
  const job = after(step(0, 1), step(1, 1), preview(1, 'linear'), preview(1, 'decoder'), step(2, 1), step(1, 2), preview(1, 'linear'));
  expect(job.steps.map(({ stepIndex, ms }) => [stepIndex, ms])).toEqual([[0, 1], [1, 2]]);
  expect(job.previews.map(({ url }) => url)).toEqual(['/1decoder', '/1linear']);
});

it('notes what was steered but for the pace, once, and back and forth as three things', () => {
  const steered = (afterStep: number, steering: JobSnapshot['log'][number]['steering'] & { paceMs?: number }): JobEvent => ({ ...base, kind: 'steered', afterStep, steering });
  const job = after(steered(1, { paceMs: 5 }), steered(1, { guidanceScale: 2, paceMs: 5 }), steered(1, { guidanceScale: 2 }), steered(1, { guidanceScale: 3 }), steered(1, { guidanceScale: 2 }));
  expect(job.log.map(({ steering }) => steering)).toEqual([{ guidanceScale: 2 }, { guidanceScale: 3 }, { guidanceScale: 2 }]);
  expect(job).toMatchObject({ guidanceScale: 2, paceMs: 5 });
});

it('begins as the event says when it is queued again', () => {
  const stopped: JobSnapshot = { ...after(step(0, 1)), state: 'stopped', keepable: true };
  const job: JobSnapshot = { ...stopped, state: 'queued', keepable: false };
  expect(applyJobEvent(stopped, { ...base, kind: 'queued', request, position: 0, job })).toBe(job);
  expect(after({ ...base, kind: 'paused', stepsDone: 1, reason: 'asked' }).state).toBe('paused');
  expect(after({ ...base, kind: 'paused', stepsDone: 1, reason: 'asked' }, { ...base, kind: 'resumed' }).state).toBe('running');
});
