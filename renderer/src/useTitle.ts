import { useEffect } from 'react';
import { useStore } from 'zustand';
import { useText } from './i18n/useText.ts';
import { activeJob, jobsStore } from './stores/jobs.ts';
import { jobSteps } from './stores/stepPlan.ts';

/** The run's progress in the window's title, for who has turned to something else. */
export function useTitle(): void {
  const { t } = useText();
  const progress = useStore(jobsStore, (state) => {
    const job = activeJob(state);
    return job === null ? '' : `${String(job.steps.length)}/${String(jobSteps(job))}`;
  });
  const paused = useStore(jobsStore, (state) => activeJob(state)?.state === 'paused');
  useEffect(() => {
    const run = paused ? t('app.pausedTitle', { progress }) : progress;
    document.title = progress === '' ? t('app.name') : `${run} – ${t('app.name')}`;
  }, [progress, paused, t]);
}
