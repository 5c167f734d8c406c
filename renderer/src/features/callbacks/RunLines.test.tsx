import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { JobEvent } from '../../../../shared/job.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { queued } from '../../testing/samples.ts';
import { RunLines } from './RunLines.tsx';

beforeAll(() => startLanguage('en'));
afterEach(cleanup);

const callback = { id: '1', name: 'mine', source: 'function callbackOnStepEnd() {}', on: true };
const wrote = (jobId: string, name: string, stepIndex: number, ...lines: string[]): JobEvent => ({ jobId, kind: 'callback-log', name, stepIndex, lines });

it('shows what this very callback wrote in the latest run that had it', () => {
  const callbacks = [{ name: 'mine', source: callback.source }, { name: 'other', source: '' }];
  const events = [
    queued('old', { callbacks }),
    wrote('old', 'mine', 0, 'old'),
    queued('a', { callbacks }),
    wrote('a', 'mine', -1, 'read'),
    wrote('a', 'mine', 1, 'mean 0.5'),
    wrote('a', 'other', 1, 'not mine'),
    queued('b', { callbacks: [{ name: 'mine', source: 'another text' }] }),
    wrote('b', 'mine', 0, 'another text'),
  ];
  jobsStore.setState(events.reduce((state, event) => applyToJobs(state, event, 0), jobsStore.getInitialState()), true);
  render(<RunLines callback={callback} />);
  expect([...screen.getByRole('log').children].map(({ textContent }) => textContent)).toEqual(['read', '2: mean 0.5']);
});

it('is absent while there is nothing', () => {
  jobsStore.setState(applyToJobs(jobsStore.getInitialState(), queued('a'), 0), true);
  const { container } = render(<RunLines callback={callback} />);
  expect(container.textContent).toBe('');
});
