import { CircleAlert } from 'lucide-react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { useKeeping } from '../../stores/useShown.ts';
import { EndedActions } from './EndedActions.tsx';
import styles from './FailedDock.module.css';
import rows from './rows.module.css';

export function FailedDock({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const failureText = useFailureText();
  const { failure } = job;
  const { waiting } = useKeeping(job.jobId);
  if (failure === null) return null;
  const { headline, nextStep } = failureText(failure);
  return (
    <div className={styles.failed}>
      <div className={styles.text} role="alert">
        <CircleAlert className={styles.icon} aria-hidden />
        <div className={styles.words}>
          <p className={rows.headline}>{headline}</p>
          <p className={rows.fact}>{waiting ? t('run.keepWaits') : nextStep}</p>
        </div>
      </div>
      {failure.detail === undefined ? null : (
        <details className={styles.details}>
          <summary>{t('common.details')}</summary>
          <pre tabIndex={0}>
            {failure.message}
            {'\n'}
            {failure.detail}
          </pre>
        </details>
      )}
      <EndedActions job={job} />
    </div>
  );
}
