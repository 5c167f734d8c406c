import { useState } from 'react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { keepEstimate, removeJob } from '../../stores/runActions.ts';
import { generateAgain } from '../../stores/again.ts';
import { Button } from '../../ui/Button.tsx';
import styles from './rows.module.css';

export function StoppedDock({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const [keeping, setKeeping] = useState(false);
  const values = { done: job.steps.length, total: job.numTimesteps ?? job.request.steps };
  const keep = async (): Promise<void> => {
    setKeeping(true);
    await keepEstimate(job.jobId);
    setKeeping(false);
  };
  return (
    <>
      <div className={styles.status}>
        <p>
          <span className={styles.headline}>{t('run.stopped', values)}</span>{' '}
          <span className={styles.fact}>
            {t('run.stoppedHint')}
            {job.trace === null ? ` ${t('run.stoppedHard')}` : null}
          </span>
        </p>
      </div>
      <div className={styles.actions}>
        {job.keepable ? (
          <Button look="primary" title={t('run.keepHint')} disabled={keeping} onClick={() => void keep()}>
            {t('run.keep')}
          </Button>
        ) : null}
        <Button onClick={() => void generateAgain(job.request)}>{t('run.again')}</Button>
        <Button look="quiet" onClick={() => removeJob(job.jobId)}>
          {t('run.dismiss')}
        </Button>
      </div>
    </>
  );
}
