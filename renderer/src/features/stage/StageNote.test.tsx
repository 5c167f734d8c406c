import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { JobEvent } from '../../../../shared/job.ts';
import { startLanguage } from '../../i18n/i18n.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { fakeCore } from '../../testing/fakeCore.ts';
import { queued, stepDone } from '../../testing/samples.ts';
import { StageNote } from './StageNote.tsx';

beforeAll(() => startLanguage('en'));
beforeEach(() => jobsStore.setState(jobsStore.getInitialState(), true));
afterEach(cleanup);

function happen(...events: JobEvent[]): void {
  for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
}

it('says of a paused run who waits for it, and lets them go first', () => {
  const core = fakeCore({ 'jobs.stop': () => ({}) });
  happen(queued('a'), stepDone('a', 0), { jobId: 'a', kind: 'paused', stepsDone: 1, reason: 'asked' });
  render(<StageNote state="paused" job={jobsStore.getState().byId['a'] ?? null} blank={false} />);
  expect(screen.queryByTestId('waiting')).toBeNull();
  act(() => happen(queued('b'), queued('c')));
  expect(screen.getByTestId('waiting').textContent).toContain('2 runs wait for this one.');
  fireEvent.click(screen.getByRole('button', { name: 'Let them go first' }));
  expect(core.asked).toEqual([{ name: 'jobs.stop', input: { jobId: 'a' } }]);
});
