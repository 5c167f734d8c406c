import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobEvent, JobSnapshot } from '../../../../shared/job.ts';
import { warningCodes } from '../../../../shared/runWarning.ts';
import { changeLanguage, startLanguage } from '../../i18n/i18n.ts';
import en from '../../i18n/en.json';
import { announceJob } from '../../stores/announcements.ts';
import { applyToJobs, jobsStore } from '../../stores/jobs.ts';
import { viewStore } from '../../stores/view.ts';
import { picture, queued, stepDone } from '../../testing/samples.ts';
import { Announcer } from '../notices/Announcer.tsx';
import { Dock } from './Dock.tsx';

const message = 'The embedding "zorb" is not used, and its name is read as a word: it was made for models of another family.';
const warning: JobEvent = { jobId: 'a', kind: 'warning', code: 'EMBEDDING_UNUSED', message, nextStep: 'Take its name out.' };
const stopped: JobEvent = { jobId: 'a', kind: 'stopped', stepsDone: 1, numTimesteps: 20, hard: false, keepable: true, trace: null };

beforeAll(() => startLanguage('en'));

beforeEach(() => {
  jobsStore.setState(jobsStore.getInitialState(), true);
  viewStore.setState({ ...viewStore.getInitialState(), lastJobId: 'a' }, true);
});

afterEach(cleanup);

function happen(...events: JobEvent[]): void {
  for (const event of events) jobsStore.setState((state) => applyToJobs(state, event, 0));
}

function theJob(): JobSnapshot {
  const job = jobsStore.getState().byId['a'];
  if (job === undefined) throw new Error('no job');
  return job;
}

describe('what a run did not do as asked', () => {
  it('is counted beside the run from its first message on, while it goes on and when it has ended, and listed behind the count', () => {
    happen(queued('a'), { jobId: 'a', kind: 'loading', part: 'unet' });
    render(<Dock />);
    expect(screen.queryByTestId('warnings')).toBeNull();
    act(() => happen(warning, warning));
    expect(screen.getByTestId('warnings').textContent).toBe('1 note');
    act(() => happen(stepDone('a', 0), { ...warning, message: 'Another.' }));
    expect(screen.getByTestId('warnings').textContent).toBe('2 notes');
    fireEvent.click(screen.getByTestId('warnings'));
    expect(screen.getAllByRole('listitem').map(({ textContent }) => textContent)).toEqual([`${message}Take its name out.`, 'Another.Take its name out.']);
    act(() => happen(stopped));
    expect(screen.getByTestId('warnings').textContent).toBe('2 notes');
    act(() => happen({ jobId: 'a', kind: 'kept', pictures: [picture('p', { jobId: 'a', completeness: 'partial' })] }));
    expect(screen.getByTestId('warnings').textContent).toBe('2 notes');
  });

  it('stands under a failure, too', () => {
    happen(queued('a'), warning, { jobId: 'a', kind: 'failed', failure: { code: 'MODEL_NAN', message: 'NaN' }, stepsDone: 0, keepable: false });
    render(<Dock />);
    expect(screen.getByTestId('warnings').textContent).toBe('1 note');
  });

  it('is said once to who listens', () => {
    happen(queued('a'), warning);
    render(<Announcer />);
    act(() => announceJob(theJob(), warning));
    expect(screen.getByRole('status').textContent).toBe(en.warning.EMBEDDING_UNUSED);
  });

  it('has a sentence and a next step for every code', () => {
    expect(Object.keys(en.warning)).toEqual([...warningCodes]);
    expect(Object.keys(en.warningNext)).toEqual([...warningCodes]);
  });

  it('is told in the language of the page; the exact English words are marked as such', async () => {
    await changeLanguage('zh-CN');
    happen(queued('a'), warning);
    render(<Dock />);
    fireEvent.click(screen.getByTestId('warnings'));
    const [text, next, exact] = screen.getByRole('listitem').querySelectorAll('p');
    expect(text?.textContent).toContain('嵌入');
    expect(next?.textContent).not.toMatch(/[A-Za-z]{3}/);
    expect([exact?.lang, exact?.textContent]).toEqual(['en', message]);
    await changeLanguage('en');
  });
});
