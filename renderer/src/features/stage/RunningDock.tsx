import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { knownSigmas } from '../../stores/curvePlan.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { runProgress, savedShare, type RunProgress } from '../../stores/runProgress.ts';
import { ProgressLine } from './ProgressLine.tsx';
import styles from './rows.module.css';
import { RunControls } from './RunControls.tsx';
import { RunWarnings } from './RunWarnings.tsx';
import { SteerBar } from './SteerBar.tsx';

export function RunningDock({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const wanted = useStore(jobsStore, (jobs) => (jobs.extras[job.jobId] ?? noExtras).wanted);
  const sigmas = useStore(
    jobsStore,
    useShallow((jobs) => (job.request.guidanceInterval === null ? [] : knownSigmas(jobs, job.request))),
  );
  const run = runProgress(job, wanted, sigmas);
  const values = { done: run.stepsDone, total: run.total };
  const step = job.state === 'paused' ? t('run.paused', values) : t('run.step', values);
  return (
    <>
      <ProgressLine label={t('run.progress')} done={run.stepsDone} total={run.total} spoken={step} />
      <div className={styles.status}>
        <RunControls jobId={job.jobId} />
        <span className={styles.headline}>{step}</span>
        <RunWarnings job={job} />
        {job.stopping ? <StoppingFact jobId={job.jobId} /> : <RunFacts job={job} run={run} />}
      </div>
      <SteerBar job={job} />
    </>
  );
}

/** Stop answers at once, and says what still goes on. */
function StoppingFact({ jobId }: { readonly jobId: string }) {
  const { t } = useText();
  const hard = useStore(jobsStore, (jobs) => (jobs.extras[jobId] ?? noExtras).hardStop);
  return (
    <span className={styles.fact} role="status">
      {hard ? t('run.stoppingHardMore') : t('run.stoppingMore')}
    </span>
  );
}

function RunFacts({ job, run }: { readonly job: JobSnapshot; readonly run: RunProgress }) {
  const { t, format } = useText();
  const { pausing, halts } = useStore(jobsStore, (jobs) => jobs.extras[job.jobId] ?? noExtras);
  const saved = { count: run.savedPlanned, percent: format.percent(savedShare(run.savedPlanned, run.total)) };
  const reason = halts.findLast(({ stepsDone, kind }) => kind === 'paused' && stepsDone === run.stepsDone)?.reason ?? null;
  const paused = job.state === 'paused';
  return (
    <>
      {paused && reason !== null ? <span className={styles.fact}>{t(`run.pausedWhy.${reason}`)}</span> : null}
      {pausing && !paused ? <span className={styles.fact}>{t('run.pausing')}</span> : null}
      {run.msPerStep === null || paused || pausing ? null : (
        <span className={styles.lesser}>{t('run.perStep', { time: format.duration(run.msPerStep) })}</span>
      )}
      {run.msLeft === null || paused || pausing ? null : <span className={styles.fact}>{t('run.left', { time: format.duration(run.msLeft) })}</span>}
      <span className={styles.push} data-testid="savings">
        <span className={styles.fact}>{t('run.guided', { guided: run.guidedPlanned, total: run.total })}</span>
        {run.savedPlanned === 0 ? null : <span className={styles.fact}> · {t('run.saved', saved)}</span>}
      </span>
    </>
  );
}
