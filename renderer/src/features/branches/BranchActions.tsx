import { Columns2, Download, GitBranchPlus, GitCompareArrows, Square, Trash2 } from 'lucide-react';
import { useStore } from 'zustand';
import { isEnded, type JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { branchesStore, discardBranch, keepBranch } from '../../stores/branches.ts';
import { compareStore, isChosen, toggleCompared } from '../../stores/compare.ts';
import { useKeeping } from '../../stores/useShown.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './BranchTree.module.css';

export interface BranchActionsProps {
  readonly job: JobSnapshot;
  readonly hasParent: boolean;
  onBranch(): void;
  onParent(): void;
}

/** What can be done with the shown run as one of its family. */
export function BranchActions({ job, hasParent, onBranch, onParent }: BranchActionsProps) {
  const { t } = useText();
  const { keeping } = useKeeping(job.jobId);
  const chosen = useStore(compareStore, (compare) => isChosen(compare.chosen, { kind: 'run', jobId: job.jobId }));
  const confirming = useStore(branchesStore, (branches) => branches.confirming === job.jobId);
  const running = !isEnded(job.state) && job.state !== 'queued';
  return (
    <div className={styles.actions} role="group" aria-label={t('branches.actions')}>
      {/* Said by itself when it comes. */}
      <p className={styles.confirm} role="status">
        {confirming ? t('branches.confirm') : null}
      </p>
      {confirming ? (
        <Button look="danger" size="s" onMouseDown={(event) => event.preventDefault()} onClick={() => void discardBranch(job)}>
          {t('branches.confirmButton')}
        </Button>
      ) : (
        <>
          <IconButton size="s" label={t('branches.branch')} icon={<GitBranchPlus aria-hidden />} onClick={onBranch} />
          <IconButton
            size="s"
            label={t('branches.choose')}
            icon={<Columns2 aria-hidden />}
            pressed={chosen}
            onClick={() => toggleCompared({ kind: 'run', jobId: job.jobId })}
          />
          {hasParent ? <IconButton size="s" label={t('branches.withParent')} icon={<GitCompareArrows aria-hidden />} onClick={onParent} /> : null}
          {job.keepable ? (
            <IconButton size="s" label={t('branches.keep')} icon={<Download aria-hidden />} disabled={keeping} onClick={() => keepBranch(job)} />
          ) : null}
          <IconButton
            size="s"
            label={running ? t('branches.stop') : t('branches.discard')}
            icon={running ? <Square aria-hidden /> : <Trash2 aria-hidden />}
            onClick={() => void discardBranch(job)}
          />
        </>
      )}
    </div>
  );
}
