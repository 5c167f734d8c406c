import { Pause, Play, StepForward } from 'lucide-react';
import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { canPause, stepRun, togglePause } from '../../stores/runControl.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './RunControls.module.css';

/** Pause and Resume in one place, and one step at a time. */
export function RunControls({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const pausing = useStore(jobsStore, (jobs) => (jobs.extras[job.jobId] ?? noExtras).pausing);
  const linked = useStore(appStore, (state) => state.link === 'open');
  const waits = job.state === 'paused' || pausing;
  const possible = linked && canPause(job);
  return (
    <span className={styles.controls}>
      <IconButton
        size="s"
        label={waits ? t('run.resumeRunHint') : t('run.pauseHint')}
        icon={waits ? <Play aria-hidden /> : <Pause aria-hidden />}
        disabled={!possible}
        className={waits ? styles.waits : undefined}
        data-testid="pause"
        onClick={togglePause}
      />
      <IconButton size="s" label={t('run.stepOnceHint')} icon={<StepForward aria-hidden />} disabled={!possible} data-testid="step-once" onClick={stepRun} />
    </span>
  );
}
