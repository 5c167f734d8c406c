import { X } from 'lucide-react';
import { useStore } from 'zustand';
import { isEnded, type JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { dropLiveEdit, editedStep, liveEditsStore, unapplied } from '../../stores/liveEdits.ts';
import { canForkAt, forkRun } from '../../stores/runControl.ts';
import { viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './LeftoverEdit.module.css';

/** A prompt that was changed too late for its run, and the way to draw it all the same. It lies over the canvas: nothing moves for it. */
export function LeftoverEdit({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const edit = useStore(liveEditsStore, (edits) => edits.byJob[job.jobId]);
  const look = useStore(viewStore, (view) => view.lookStep);
  const change = unapplied(job, edit);
  if (edit === undefined || change === null || !isEnded(job.state)) return null;
  const stepIndex = editedStep(job, edit, look);
  const fork = async (): Promise<void> => {
    if (await forkRun(job.jobId, stepIndex, change)) dropLiveEdit(job.jobId);
  };
  return (
    <div className={styles.leftover} role="status">
      <p className={styles.text}>{t('run.leftover')}</p>
      <Button size="s" look="primary" disabled={!canForkAt(job, stepIndex)} onClick={() => void fork()}>
        {t('run.forkWithPrompt', { step: stepIndex + 1 })}
      </Button>
      <IconButton size="s" label={t('run.dropEdit')} icon={<X aria-hidden />} onClick={() => dropLiveEdit(job.jobId)} />
    </div>
  );
}
