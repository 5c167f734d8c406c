import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { activeJob, jobsStore } from '../../stores/jobs.ts';
import { followRuns, shownJob, viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import styles from './BackToRun.module.css';

/** The way back to the run that goes on while the canvas is turned to something else. */
export function BackToRun() {
  const { t } = useText();
  const view = useStore(viewStore);
  const elsewhere = useStore(jobsStore, (jobs) => {
    const active = activeJob(jobs);
    return active !== null && shownJob(view, jobs)?.jobId !== active.jobId;
  });
  if (!elsewhere) return null;
  return (
    <Button className={styles.back} size="s" onClick={followRuns}>
      {t('run.backToRun')}
    </Button>
  );
}
