import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { runProgress, savedShare } from '../../stores/runProgress.ts';
import { ProgressLine } from './ProgressLine.tsx';
import styles from './rows.module.css';
import { SteerBar } from './SteerBar.tsx';

export function RunningDock({ job }: { readonly job: JobSnapshot }) {
  const { t, format } = useText();
  const run = runProgress(job);
  const step = t('run.step', { done: run.stepsDone, total: run.total });
  const saved = { count: run.savedPlanned, percent: format.percent(savedShare(run.savedPlanned, run.total)) };
  return (
    <>
      <ProgressLine label={t('run.progress')} done={run.stepsDone} total={run.total} spoken={step} />
      <div className={styles.status}>
        <span className={styles.headline}>{step}</span>
        {run.msPerStep === null ? null : (
          <span className={styles.fact}>{t('run.perStep', { time: format.duration(run.msPerStep) })}</span>
        )}
        {run.msLeft === null ? null : <span className={styles.fact}>{t('run.left', { time: format.duration(run.msLeft) })}</span>}
        <span className={styles.push} data-testid="savings">
          <span className={styles.fact}>{t('run.guided', { guided: run.guidedPlanned, total: run.total })}</span>
          {run.savedPlanned === 0 ? null : <span className={styles.fact}> · {t('run.saved', saved)}</span>}
        </span>
      </div>
      <SteerBar key={job.jobId} job={job} />
    </>
  );
}
