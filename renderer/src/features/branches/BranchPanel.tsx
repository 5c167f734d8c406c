import { GitBranch, GitBranchPlus, PanelRightClose } from 'lucide-react';
import { memo } from 'react';
import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { wholeLog } from '../../../../shared/steeringLog.ts';
import { useText } from '../../i18n/useText.ts';
import { branchesStore, openFork } from '../../stores/branches.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { useFamily } from '../../stores/useBranches.ts';
import { useShownJob } from '../../stores/useShown.ts';
import { shownJob, viewStore } from '../../stores/view.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './BranchPanel.module.css';
import { BranchTree } from './BranchTree.tsx';
import { LogList } from './LogList.tsx';

/** Beside the stage: the shown run's family and what was done to it; closed, a narrow rail. */
export function BranchPanel() {
  const job = useShownJob();
  // Not gone for the moment before a run's first step: the picture beside it would jump.
  return job === null || (job.state === 'queued' && job.steps.length === 0) ? null : <PanelOf job={job} />;
}

function PanelOf({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const rows = useFamily(job.jobId);
  const chosen = useStore(branchesStore, (branches) => branches.open);
  const open = chosen ?? rows.length > 1;
  if (!open) return <Rail count={rows.length} possible={job.steps.length > 0} />;
  return (
    <aside className={styles.panel} aria-label={t('branches.title')} data-testid="branches">
      <header className={styles.head}>
        <h2>{t('branches.title')}</h2>
        <IconButton label={t('branches.branch')} size="s" icon={<GitBranchPlus aria-hidden />} disabled={job.steps.length === 0} onClick={branchShown} />
        <IconButton
          label={t('branches.hide')}
          size="s"
          icon={<PanelRightClose aria-hidden />}
          aria-expanded
          onClick={() => branchesStore.setState({ open: false })}
        />
      </header>
      <div className={styles.body}>
        {rows.length > 1 ? <BranchTree rows={rows} shown={job} onBranch={branchShown} /> : <p className={styles.note}>{t('branches.alone')}</p>}
        <LogList job={job} log={wholeLog(job)} />
      </div>
    </aside>
  );
}

/** It is not drawn anew at every step. */
const Rail = memo(function Rail({ count, possible }: { readonly count: number; readonly possible: boolean }) {
  const { t } = useText();
  return (
    <aside className={styles.rail} aria-label={t('branches.title')} data-testid="branches">
      <IconButton label={t('branches.show')} icon={<GitBranch aria-hidden />} aria-expanded={false} onClick={() => branchesStore.setState({ open: true })} />
      {count > 1 ? <span className={styles.count}>{count}</span> : null}
      <IconButton label={t('branches.branch')} icon={<GitBranchPlus aria-hidden />} disabled={!possible} onClick={branchShown} />
    </aside>
  );
});

function branchShown(): void {
  const view = viewStore.getState();
  const job = shownJob(view, jobsStore.getState());
  if (job !== null && job.steps.length > 0) openFork(job.jobId, stepToBranchAt(job, view.lookStep));
}

/** The step in sight; of a finished picture, the middle of its run: at its end nothing is left to draw. */
function stepToBranchAt(job: JobSnapshot, lookStep: number | null): number {
  const last = job.steps.length - 1;
  return lookStep ?? (job.state === 'finished' ? Math.floor(last / 2) : last);
}
