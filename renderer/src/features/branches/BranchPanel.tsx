import { GitBranch, GitBranchPlus, PanelRightClose } from 'lucide-react';
import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { wholeLog } from '../../../../shared/steeringLog.ts';
import { useText } from '../../i18n/useText.ts';
import { branchesStore, openFork } from '../../stores/branches.ts';
import { useFamily } from '../../stores/useBranches.ts';
import { useShownJob } from '../../stores/useShown.ts';
import { viewStore } from '../../stores/view.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './BranchPanel.module.css';
import { BranchTree } from './BranchTree.tsx';
import { LogList } from './LogList.tsx';

/** Beside the stage: the shown run's family and what was done to it; closed, a narrow rail. */
export function BranchPanel() {
  const job = useShownJob();
  return job === null || job.steps.length === 0 ? null : <PanelOf job={job} />;
}

function PanelOf({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const rows = useFamily(job.jobId);
  const log = wholeLog(job);
  const chosen = useStore(branchesStore, (branches) => branches.open);
  const open = chosen ?? rows.length > 1;
  const branch = (): void => openFork(job.jobId, stepToBranchAt(job, viewStore.getState().lookStep));
  if (!open) {
    return (
      <aside className={styles.rail} aria-label={t('branches.title')} data-testid="branches">
        <IconButton label={t('branches.show')} icon={<GitBranch aria-hidden />} aria-expanded={false} onClick={() => branchesStore.setState({ open: true })} />
        {rows.length > 1 ? <span className={styles.count}>{rows.length}</span> : null}
        <IconButton label={t('branches.branch')} icon={<GitBranchPlus aria-hidden />} onClick={branch} />
      </aside>
    );
  }
  return (
    <aside className={styles.panel} aria-label={t('branches.title')} data-testid="branches">
      <header className={styles.head}>
        <h2>{t('branches.title')}</h2>
        <IconButton label={t('branches.branch')} size="s" icon={<GitBranchPlus aria-hidden />} onClick={branch} />
        <IconButton
          label={t('branches.hide')}
          size="s"
          icon={<PanelRightClose aria-hidden />}
          aria-expanded
          onClick={() => branchesStore.setState({ open: false })}
        />
      </header>
      <div className={styles.body}>
        {rows.length > 1 ? <BranchTree rows={rows} shown={job} onBranch={branch} /> : <p className={styles.note}>{t('branches.alone')}</p>}
        <LogList job={job} log={log} />
      </div>
    </aside>
  );
}

/** The step in sight; of a finished picture, the middle of its run: at its end nothing is left to draw. */
function stepToBranchAt(job: JobSnapshot, lookStep: number | null): number {
  const last = job.steps.length - 1;
  return lookStep ?? (job.state === 'finished' ? Math.floor(last / 2) : last);
}
