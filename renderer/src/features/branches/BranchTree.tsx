import { useRef, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { cancelDiscard, discardBranch, keepBranch } from '../../stores/branches.ts';
import type { BranchRow } from '../../stores/branchTree.ts';
import { compareStore, compareThese, isChosen, openCompare, toggleCompared } from '../../stores/compare.ts';
import { showJob } from '../../stores/view.ts';
import { BranchActions } from './BranchActions.tsx';
import { BranchItem } from './BranchItem.tsx';
import styles from './BranchTree.module.css';

export interface BranchTreeProps {
  readonly rows: readonly BranchRow[];
  readonly shown: JobSnapshot;
  onBranch(): void;
}

/** The family of the shown run. The arrow keys go through it and show what they come to. */
export function BranchTree({ rows, shown, onBranch }: BranchTreeProps) {
  const { t } = useText();
  const chosen = useStore(compareStore, (compare) => compare.chosen);
  const tree = useRef<HTMLDivElement>(null);
  const jobs = rows.flatMap(({ job }) => (job === null ? [] : [job]));
  const parentOf = (job: JobSnapshot): JobSnapshot | null => jobs.find(({ jobId }) => jobId === job.parent?.jobId) ?? null;

  const turnTo = (jobId: string): void => {
    cancelDiscard();
    showJob(jobId);
    tree.current?.querySelector<HTMLElement>(`[data-job="${jobId}"]`)?.focus();
  };
  const move = (to: (at: number) => number): void => {
    const at = jobs.findIndex(({ jobId }) => jobId === shown.jobId);
    const next = jobs[Math.min(jobs.length - 1, Math.max(0, to(at)))];
    if (next !== undefined && next.jobId !== shown.jobId) turnTo(next.jobId);
  };
  const withParent = (): void => {
    const parent = parentOf(shown);
    if (parent !== null) compareThese([{ kind: 'run', jobId: parent.jobId }, { kind: 'run', jobId: shown.jobId }]);
  };
  const discard = (): void => void discardBranch(shown);
  const actions: Readonly<Record<string, () => void>> = {
    ArrowUp: () => move((at) => at - 1),
    ArrowDown: () => move((at) => at + 1),
    Home: () => move(() => 0),
    End: () => move(() => jobs.length - 1),
    Delete: discard,
    Backspace: discard,
    k: () => keepBranch(shown),
    c: () => toggleCompared({ kind: 'run', jobId: shown.jobId }),
    C: openCompare,
    b: withParent,
    f: onBranch,
    Enter: onBranch,
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    // C has a meaning for the stage too.
    event.stopPropagation();
    action();
  };

  return (
    <>
      <div ref={tree} className={styles.tree} role="tree" aria-label={t('branches.tree')} data-testid="branch-tree" onKeyDown={onKeyDown} onBlur={cancelDiscard}>
        {rows.map((row) => (
          <BranchItem
            key={row.jobId}
            row={row}
            jobs={jobs}
            shown={row.jobId === shown.jobId}
            chosen={isChosen(chosen, { kind: 'run', jobId: row.jobId })}
            onShow={() => turnTo(row.jobId)}
          />
        ))}
      </div>
      <BranchActions job={shown} hasParent={parentOf(shown) !== null} onBranch={onBranch} onParent={withParent} />
    </>
  );
}
