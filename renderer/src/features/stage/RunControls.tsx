import { Pause, Play, StepForward } from 'lucide-react';
import { memo } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { canPause, stepRun, togglePause } from '../../stores/runControl.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './RunControls.module.css';

/** Pause and Resume in one place, and one step at a time. It is not drawn anew at every step. */
export const RunControls = memo(function RunControls({ jobId }: { readonly jobId: string }) {
  const { t } = useText();
  const pausing = useStore(jobsStore, (jobs) => (jobs.extras[jobId] ?? noExtras).pausing);
  const paused = useStore(jobsStore, (jobs) => jobs.byId[jobId]?.state === 'paused');
  const pausable = useStore(jobsStore, (jobs) => canPause(jobs.byId[jobId] ?? null));
  const linked = useStore(appStore, (state) => state.link === 'open');
  const waits = paused || pausing;
  const possible = linked && pausable;
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
});
