import { CircleAlert } from 'lucide-react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { generateAgain } from '../../stores/again.ts';
import { keepEstimate, removeJob } from '../../stores/runActions.ts';
import { useKeeping } from '../../stores/useShown.ts';
import { Button } from '../../ui/Button.tsx';
import styles from './FailedDock.module.css';
import rows from './rows.module.css';

export function FailedDock({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const failureText = useFailureText();
  const { failure } = job;
  const { keeping, waiting } = useKeeping(job.jobId);
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
      <div className={rows.actions}>
        {job.keepable ? (
          <Button look="primary" title={t('run.keepHint')} disabled={keeping} onClick={() => void keepEstimate(job.jobId)}>
            {t('run.keep')}
          </Button>
        ) : null}
        {/* The same settings would be refused again. */}
        {failure.code === 'INVALID_INPUT' ? null : (
          <Button look={job.keepable ? 'plain' : 'primary'} onClick={() => void generateAgain(job.request)}>
            {t('run.again')}
          </Button>
        )}
        <Button look="quiet" onClick={() => removeJob(job.jobId)}>
          {t('run.dismiss')}
        </Button>
      </div>
    </div>
  );
}
