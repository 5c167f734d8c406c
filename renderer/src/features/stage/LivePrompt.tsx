import { MessageSquareText } from 'lucide-react';
import { memo, useId, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import { maxPromptLength } from '../../../../shared/generation.ts';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import {
  applyLiveEdit,
  currentPrompts,
  dropLiveEdit,
  isApplying,
  liveEditsStore,
  setLiveEdit,
  unapplied,
  type PromptField,
} from '../../stores/liveEdits.ts';
import { useJob } from '../../stores/useBranches.ts';
import { Button } from '../../ui/Button.tsx';
import { Popover } from '../../ui/Popover.tsx';
import { TextArea } from '../../ui/TextArea.tsx';
import words from '../../ui/text.module.css';
import styles from './LivePrompt.module.css';

export interface LivePromptProps {
  readonly jobId: string;
  readonly disabled: boolean;
}

/**
 * The prompts of a run, to be changed while it goes on. What is typed stays when the panel is closed, and when the run ends.
 * It is not drawn anew at every step.
 */
export const LivePrompt = memo(function LivePrompt({ jobId, disabled }: LivePromptProps) {
  const { t } = useText();
  const edit = useStore(liveEditsStore, (edits) => edits.byJob[jobId]);
  const applying = useStore(jobsStore, (jobs) => isApplying((jobs.extras[jobId] ?? noExtras).wanted));
  const pending = useStore(jobsStore, (jobs) => {
    const job = jobs.byId[jobId];
    return job !== undefined && unapplied(job, edit) !== null;
  });
  const label = applying ? t('run.applying') : pending ? t('run.unapplied') : t('run.prompts');
  return (
    <Popover
      side="top"
      align="end"
      title={t('run.promptsTitle')}
      trigger={
        <Button
          className={styles.open}
          size="s"
          icon={<MessageSquareText aria-hidden />}
          aria-label={`${t('run.prompts')}${applying || pending ? ` (${label})` : ''}`}
          title={label}
          disabled={disabled}
          data-pending={applying ? 'sent' : pending ? 'typed' : undefined}
          data-testid="live-prompt"
        >
          {t('run.prompts')}
        </Button>
      }
    >
      <Editor jobId={jobId} pending={pending} applying={applying} />
    </Popover>
  );
});

interface EditorProps {
  readonly jobId: string;
  readonly pending: boolean;
  readonly applying: boolean;
}

function Editor({ jobId, pending, applying }: EditorProps) {
  const { t } = useText();
  const job = useJob(jobId);
  const edit = useStore(liveEditsStore, (edits) => edits.byJob[jobId]);
  if (job === null) return null;
  const texts = edit ?? currentPrompts(job);
  const applyOnEnter = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !pending || applying) return;
    event.preventDefault();
    applyLiveEdit(jobId);
  };
  return (
    <div className={styles.editor}>
      <Area job={job} field="prompt" label={t('form.prompt')} text={texts.prompt} rows={3} onKeyDown={applyOnEnter} />
      <Area job={job} field="negativePrompt" label={t('form.negativePrompt')} text={texts.negativePrompt} rows={2} onKeyDown={applyOnEnter} />
      <div className={styles.foot}>
        <p className={styles.state} role="status">
          {applying ? t('run.applying') : pending ? t('run.unapplied') : t('run.applied')}
        </p>
        <Button size="s" look="quiet" disabled={!pending || applying} onClick={() => dropLiveEdit(jobId)}>
          {t('run.revert')}
        </Button>
        <Button size="s" look="primary" disabled={!pending || applying} onClick={() => applyLiveEdit(jobId)}>
          {t('run.applyNext')}
        </Button>
      </div>
    </div>
  );
}

interface AreaProps {
  readonly job: JobSnapshot;
  readonly field: PromptField;
  readonly label: string;
  readonly text: string;
  readonly rows: number;
  onKeyDown(event: KeyboardEvent): void;
}

function Area({ job, field, label, text, rows, onKeyDown }: AreaProps) {
  const id = useId();
  return (
    <>
      <label className={words.label} htmlFor={id}>
        {label}
      </label>
      <TextArea
        id={id}
        size="s"
        className={styles.area}
        rows={rows}
        value={text}
        maxLength={maxPromptLength}
        onChange={(event) => setLiveEdit(job, { [field]: event.target.value })}
        onKeyDown={onKeyDown}
      />
    </>
  );
}
