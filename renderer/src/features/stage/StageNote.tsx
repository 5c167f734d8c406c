import { Pause } from 'lucide-react';
import { useStore } from 'zustand';
import type { TFunction } from 'i18next';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { stopRun } from '../../stores/runActions.ts';
import { settingsStore } from '../../stores/settings.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { lookedAt, viewStore, type CanvasState } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { Spinner } from '../../ui/Spinner.tsx';
import styles from './StageNote.module.css';

export interface StageNoteProps {
  readonly state: CanvasState;
  readonly job: JobSnapshot | null;
  /** Nothing is shown yet: the note stands in the middle instead of on the picture's edge. */
  readonly blank: boolean;
}

/** What the engine is doing, where no step is there to show it. */
export function StageNote({ state, job, blank }: StageNoteProps) {
  const { t } = useText();
  const part = useStore(jobsStore, (jobs) => jobs.extras[job?.jobId ?? '']?.loadingPart ?? null);
  const hard = useStore(jobsStore, (jobs) => jobs.extras[job?.jobId ?? '']?.hardStop ?? false);
  const look = useStore(viewStore, lookedAt);
  const off = useStore(settingsStore, (settings) => settings.previewMode === 'off');
  if (blank && off && state === 'running') return <p className={cx(styles.note, styles.middle)}>{t('run.noPreview')}</p>;
  if (look !== null && state !== 'stopping') {
    const values = { step: look + 1, total: job === null ? 0 : jobSteps(job) };
    return <p className={styles.note}>{t('run.lookingAt', values)}</p>;
  }
  if (state === 'paused' && job !== null) return <PausedNote job={job} />;
  const text = noteText(state, part, hard, t);
  if (text === null) return null;
  return (
    <p className={cx(styles.note, blank && styles.middle)}>
      {state === 'queued' ? null : <Spinner />}
      {text}
    </p>
  );
}

/** That nothing moves is not because it is slow. */
function PausedNote({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  return (
    <p className={cx(styles.note, styles.paused)}>
      <Pause aria-hidden />
      {t('run.paused', { done: job.steps.length, total: jobSteps(job) })}
      <Waiting />
    </p>
  );
}

/**
 * A paused run keeps its place at the engine, for it is about to go on. Who has others waiting is told so, and can let them
 * go first: the run is stopped, keeps its steps, and is resumed later.
 */
function Waiting() {
  const { t } = useText();
  const count = useStore(jobsStore, (jobs) => jobs.order.filter((id) => jobs.byId[id]?.state === 'queued').length);
  if (count === 0) return null;
  return (
    <span className={styles.waiting} data-testid="waiting">
      {t('run.othersWait', { count })}
      <Button size="s" title={t('run.letOthersHint')} onClick={stopRun}>
        {t('run.letOthers')}
      </Button>
    </span>
  );
}

const knownParts = ['engine', 'tokenizer', 'text_encoder', 'text_encoder_2', 'unet', 'vae_decoder', 'vae_encoder', 'scheduler'] as const;

function noteText(state: CanvasState, part: string | null, hard: boolean, t: TFunction): string | null {
  switch (state) {
    case 'queued':
      return t('run.queued');
    case 'loading': {
      if (part === null) return t('run.loading');
      const known = knownParts.find((name) => name === part);
      return t('run.loadingPart', { part: known === undefined ? part : t(`part.${known}`) });
    }
    case 'decoding':
      return t('run.decoding');
    case 'stopping':
      return hard ? t('run.stoppingHard') : t('run.stopping');
    default:
      return null;
  }
}
