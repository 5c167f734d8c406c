import { X } from 'lucide-react';
import type { TFunction } from 'i18next';
import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { removeJob } from '../../stores/runActions.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useIsShown } from '../../stores/useShown.ts';
import { showJob, viewStore } from '../../stores/view.ts';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './QueueItem.module.css';

export function QueueItem({ jobId }: { readonly jobId: string }) {
  const { t } = useText();
  const job = useStore(jobsStore, (state) => state.byId[jobId]);
  const shown = useIsShown(jobId);
  if (job === undefined) return null;
  const prompt = job.request.prompt.trim() === '' ? t('canvas.noPrompt') : job.request.prompt;
  const queued = job.state === 'queued';
  const ended = job.state === 'stopped' || job.state === 'failed';
  const newest = job.previews.at(-1)?.url ?? null;
  return (
    <li className={cx(styles.item, shown && styles.shown)}>
      <button
        type="button"
        className={styles.open}
        aria-current={shown ? 'true' : undefined}
        title={prompt}
        onClick={() => {
          showJob(jobId);
          viewStore.setState({ drawerOpen: false });
        }}
      >
        <span className={styles.thumb}>{newest === null ? null : <img src={newest} alt="" draggable={false} />}</span>
        <span className={styles.words}>
          <span className={styles.prompt}>{prompt}</span>
          <span className={cx(styles.state, job.state === 'failed' && styles.failed)}>{stateText(job, t)}</span>
        </span>
      </button>
      {queued || ended ? (
        <IconButton
          label={queued ? t('queue.remove') : t('queue.dismiss')}
          icon={<X aria-hidden />}
          size="s"
          onClick={() => removeJob(jobId)}
        />
      ) : null}
    </li>
  );
}

function stateText(job: JobSnapshot, t: TFunction): string {
  const values = { done: job.steps.length, total: jobSteps(job) };
  switch (job.state) {
    case 'queued':
    case 'loading':
    case 'decoding':
    case 'failed':
      return t(`queue.${job.state}`);
    case 'running':
    case 'paused':
    case 'stopped':
      return t(`queue.${job.state}`, values);
    case 'finished':
      return '';
  }
}
