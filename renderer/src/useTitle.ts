import { useEffect } from 'react';
import { useText } from './i18n/useText.ts';
import { activeJob, jobsStore, type JobsState } from './stores/jobs.ts';
import { jobSteps } from './stores/stepPlan.ts';

/** A title costs the browser more than a step's own picture, and nobody reads it faster. */
const everyMs = 500;

/** The run's progress in the window's title, for who has turned to something else. It renders nothing, so it asks for no render. */
export function useTitle(): void {
  const { t } = useText();
  useEffect(() => {
    let timer: number | undefined;
    const write = (): void => {
      timer = undefined;
      const title = titleOf(jobsStore.getState());
      const run = title.paused ? t('app.pausedTitle', { progress: title.progress }) : title.progress;
      const text = title.progress === '' ? t('app.name') : `${run} – ${t('app.name')}`;
      if (document.title !== text) document.title = text;
    };
    write();
    const stop = jobsStore.subscribe(() => {
      timer ??= window.setTimeout(write, everyMs);
    });
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [t]);
}

function titleOf(jobs: JobsState): { readonly progress: string; readonly paused: boolean } {
  const job = activeJob(jobs);
  if (job === null) return { progress: '', paused: false };
  return { progress: `${String(job.steps.length)}/${String(jobSteps(job))}`, paused: job.state === 'paused' };
}
