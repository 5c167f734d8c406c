import { CircleAlert } from 'lucide-react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { useKeeping } from '../../stores/useShown.ts';
import { EndedActions } from './EndedActions.tsx';
import styles from './FailedDock.module.css';
import rows from './rows.module.css';
import { RunWarnings } from './RunWarnings.tsx';

export function FailedDock({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const failureText = useFailureText();
  const { failure } = job;
  const { waiting } = useKeeping(job.jobId);
  if (failure === null) return null;
  const { headline, message, nextStep, exact } = failureText(failure);
  const told = [exact, failure.detail].filter((text) => typeof text === 'string').join('\n');
  return (
    <div className={styles.failed}>
      <div className={styles.head}>
        <div className={styles.text} role="alert">
          <CircleAlert className={styles.icon} aria-hidden />
          <div className={styles.words}>
            <p className={rows.headline}>{headline}</p>
            {message === null ? null : <p className={styles.message}>{message}</p>}
            <p className={rows.fact}>{waiting ? t('run.keepWaits') : nextStep}</p>
          </div>
        </div>
        <RunWarnings job={job} />
      </div>
      {told === '' ? null : (
        <details className={styles.details}>
          <summary>{t('common.details')}</summary>
          <pre tabIndex={0}>{told}</pre>
        </details>
      )}
      <EndedActions job={job} />
    </div>
  );
}
