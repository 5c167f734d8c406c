import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useKeeping } from '../../stores/useShown.ts';
import { EndedActions } from './EndedActions.tsx';
import styles from './rows.module.css';
import { RunWarnings } from './RunWarnings.tsx';

export function StoppedDock({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  // A run without a trace need not have ended the engine: it may not have reached it, or the app was closed over it.
  const hard = useStore(jobsStore, (jobs) => jobs.extras[job.jobId]?.hardStop === true);
  const { waiting } = useKeeping(job.jobId);
  const values = { done: job.steps.length, total: jobSteps(job) };
  return (
    <>
      <div className={styles.status}>
        <p>
          <span className={styles.headline}>{t('run.stopped', values)}</span>{' '}
          <span className={styles.fact}>
            {waiting ? t('run.keepWaits') : t('run.stoppedHint')}
            {hard && !waiting ? ` ${t('run.stoppedHard')}` : null}
          </span>
        </p>
        <RunWarnings job={job} />
      </div>
      <EndedActions job={job} />
    </>
  );
}
