import { GitFork, Radio } from 'lucide-react';
import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { openFork } from '../../stores/branches.ts';
import { lookAt } from '../../stores/lookBack.ts';
import { canForkAt } from '../../stores/runControl.ts';
import { viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { BreakpointsMenu } from './BreakpointsMenu.tsx';
import styles from './StripTools.module.css';

export interface StripToolsProps {
  readonly job: JobSnapshot;
  /** The step that is looked at, or the newest; 0-based. */
  readonly current: number;
}

/** Beside the strip; as wide in every state, so that no frame jumps. */
export function StripTools({ job, current }: StripToolsProps) {
  const { t } = useText();
  const look = useStore(viewStore, (view) => view.lookStep);
  const live = job.pictures.length === 0 ? t('run.live') : t('run.result');
  return (
    <div className={styles.tools} role="group" aria-label={t('strip.tools')}>
      {look === null ? (
        <span className={styles.gap} />
      ) : (
        <Button className={styles.tool} size="s" icon={<Radio aria-hidden />} aria-label={live} title={live} onClick={() => lookAt(null)}>
          {live}
        </Button>
      )}
      <Button
        className={styles.tool}
        size="s"
        icon={<GitFork aria-hidden />}
        aria-label={t('strip.continueHere')}
        title={t('strip.continueStep', { step: current + 1 })}
        disabled={!canForkAt(job, current)}
        onClick={() => openFork(job.jobId, current)}
      >
        {t('strip.continueHere')}
      </Button>
      <BreakpointsMenu key={job.jobId} jobId={job.jobId} />
    </div>
  );
}
