import { RotateCcw } from 'lucide-react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { generateAgain } from '../../stores/again.ts';
import { keepEstimate, removeJob } from '../../stores/runActions.ts';
import { continueRun } from '../../stores/runControl.ts';
import { useKeeping } from '../../stores/useShown.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { FinishIn } from './FinishIn.tsx';
import styles from './rows.module.css';

/** What can be done with a run that did not come to its end. */
export function EndedActions({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const { keeping } = useKeeping(job.jobId);
  // The same settings would be refused again.
  const refused = job.failure?.code === 'INVALID_INPUT';
  const drawn = isDrawn(job);
  return (
    <div className={styles.actions}>
      {job.keepable ? (
        <>
          {drawn ? (
            <Button look="primary" title={t('run.decodeAgainHint')} disabled={keeping} onClick={() => void continueRun(job.jobId)}>
              {t('run.decodeAgain')}
            </Button>
          ) : (
            <>
              <Button look="primary" title={t('run.keepHint')} disabled={keeping} onClick={() => void keepEstimate(job.jobId)}>
                {t('run.keep')}
              </Button>
              <Button title={t('run.resumeHint')} disabled={keeping} onClick={() => void continueRun(job.jobId)}>
                {t('run.resume')}
              </Button>
            </>
          )}
          <FinishIn key={job.jobId} job={job} />
          {refused ? null : <IconButton label={t('run.again')} icon={<RotateCcw aria-hidden />} onClick={() => void generateAgain(job.request)} />}
        </>
      ) : refused ? null : (
        <Button look="primary" onClick={() => void generateAgain(job.request)}>
          {t('run.again')}
        </Button>
      )}
      <Button className={styles.push} look="quiet" title={t('run.discardHint')} onClick={() => removeJob(job.jobId)}>
        {t('run.discard')}
      </Button>
    </div>
  );
}

/** Every step is done; only its picture is missing: it was not decoded, or the disk did not take it. */
function isDrawn(job: JobSnapshot): boolean {
  return job.numTimesteps !== null && job.steps.length >= job.numTimesteps;
}
