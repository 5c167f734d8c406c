import { Check } from 'lucide-react';
import type { CSSProperties } from 'react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { branchName, branchState, changeName } from '../../i18n/branchText.ts';
import { useText } from '../../i18n/useText.ts';
import type { BranchRow } from '../../stores/branchTree.ts';
import { toggleCompared } from '../../stores/compare.ts';
import { shownFrame } from '../../stores/shownFrame.ts';
import { cx } from '../../ui/cx.ts';
import styles from './BranchTree.module.css';

export interface BranchItemProps {
  readonly row: BranchRow;
  /** All runs of the tree. */
  readonly jobs: readonly JobSnapshot[];
  readonly shown: boolean;
  /** Whether it is among what will be compared. */
  readonly chosen: boolean;
  onShow(): void;
}

/** Deeper levels are drawn no farther to the right: the words need the room. */
const mostIndent = 5;

export function BranchItem({ row, jobs, shown, chosen, onShow }: BranchItemProps) {
  const text = useText();
  const { t } = text;
  const { job, depth } = row;
  const style = { '--depth': Math.min(depth, mostIndent) } as CSSProperties;
  if (job === null) {
    return (
      <div className={cx(styles.item, styles.lost)} style={style} role="treeitem" aria-level={depth + 1} aria-selected={false} aria-disabled>
        <span className={styles.words}>{t('branches.lost')}</span>
      </div>
    );
  }
  const frame = shownFrame(job, job.pictures[0] ?? null, null);
  const name = branchName(job, jobs, text);
  const what = job.parent === null ? name : changeName(job, jobs, text);
  const state = branchState(job, text);
  return (
    <div
      className={cx(styles.item, shown && styles.shown)}
      style={style}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={shown}
      aria-label={t('branches.nodeLabel', { what: name, state })}
      tabIndex={shown ? 0 : -1}
      title={name}
      data-job={job.jobId}
      data-state={job.state}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) toggleCompared({ kind: 'run', jobId: job.jobId });
        else onShow();
      }}
    >
      <span className={styles.thumb}>{frame === null ? null : <img src={frame.src} alt="" draggable={false} decoding="async" />}</span>
      <span className={styles.words}>
        <span className={styles.what}>
          {job.parent === null ? null : <span className={styles.step}>{job.parent.stepIndex + 1}</span>}
          {what}
        </span>
        {job.state === 'finished' ? null : <span className={cx(styles.state, job.state === 'failed' && styles.failed)}>{state}</span>}
      </span>
      {chosen ? <Check className={styles.check} aria-hidden /> : null}
    </div>
  );
}
