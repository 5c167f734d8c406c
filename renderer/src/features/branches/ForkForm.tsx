import type { KeyboardEvent, RefObject } from 'react';
import { useStore } from 'zustand';
import { steeringParts } from '../../i18n/steeringText.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import { branchesStore, closeFork } from '../../stores/branches.ts';
import { totalOf } from '../../stores/forkDraft.ts';
import type { ForkPlan } from '../../stores/forkPanel.ts';
import { activeJob, jobsStore } from '../../stores/jobs.ts';
import { Button } from '../../ui/Button.tsx';
import { ForkFields } from './ForkFields.tsx';
import styles from './ForkForm.module.css';
import { ForkGuidance, type ForkCurveSlot } from './ForkGuidance.tsx';
import { ForkNoise } from './ForkNoise.tsx';
import { ForkRest } from './ForkRest.tsx';
import { ForkStep } from './ForkStep.tsx';
import { useFork, type Fork } from './useFork.ts';

export interface ForkFormProps {
  readonly plan: ForkPlan;
  readonly first: RefObject<HTMLTextAreaElement | null>;
  readonly curve: ForkCurveSlot;
}

export function ForkForm({ plan, first, curve }: ForkFormProps) {
  const text = useText();
  const { t } = text;
  const { job, stepIndex, base, edited } = plan;
  const fork = useFork(plan);
  const note = useNote(fork);
  const { changes, errors } = fork;
  // Not by a submit button alone: Enter starts from a prompt too.
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    if (event.target instanceof HTMLElement && event.target.matches('button, summary, select')) return;
    event.preventDefault();
    void fork.start();
  };

  return (
    <div className={styles.form} onKeyDown={onKeyDown} data-testid="fork-panel">
      <div className={styles.columns}>
        <ForkStep
          job={job}
          stepIndex={Math.max(0, stepIndex)}
          total={base.settings.numTimesteps}
          kept={fork.kept}
          movable={edited === null}
          note={note}
          onStep={(step) => branchesStore.setState({ target: { jobId: job.jobId, stepIndex: step, entry: null } })}
        />
        <div className={styles.fields}>
          <ForkFields base={base} changes={changes} errors={errors} first={first} onChange={fork.change} />
          <ForkGuidance curve={curve} base={base} changes={changes} errors={errors} onChange={fork.change} />
          <ForkRest base={base} changes={changes} errors={errors} onChange={fork.change} />
          <ForkNoise
            base={base}
            changes={changes}
            errors={errors}
            variations={edited === null ? fork.variations : null}
            onChange={fork.change}
            onVariations={fork.setVariations}
          />
        </div>
      </div>
      <footer className={styles.foot}>
        <p className={styles.summary} aria-live="polite" data-testid="fork-summary">
          {summary(plan, fork, text)}
        </p>
        <div className={styles.actions}>
          <span className={styles.keys}>{t('fork.keys')}</span>
          <Button look="quiet" onClick={closeFork}>
            {t('start.cancel')}
          </Button>
          <Button look="primary" disabled={!fork.possible} onClick={() => void fork.start()} data-testid="fork-start">
            {startText(fork, text)}
          </Button>
        </div>
      </footer>
    </div>
  );
}

/** What is to be known of the start before it is made. */
function useNote({ replays, atEnd }: Fork): string | null {
  const { t } = useText();
  const active = useStore(jobsStore, (jobs) => activeJob(jobs)?.state ?? null);
  if (replays) return t('fork.replayHint');
  if (atEnd) return t('fork.atEnd');
  if (active === null) return null;
  return active === 'paused' ? t('fork.paused') : t('fork.running');
}

function startText({ replays, itself, isUnchanged, count }: Fork, { t }: Text): string {
  if (replays) return t('fork.replay');
  if (itself) return t('fork.continueRun');
  return isUnchanged ? t('fork.continue') : t('fork.start', { count });
}

function summary({ base, edited, log }: ForkPlan, { steering, changes, count }: Fork, text: Text): string {
  const { t } = text;
  const values = { step: base.done, total: edited === null ? base.settings.numTimesteps : totalOf(base, changes) };
  // Each variation has its own seed.
  const { noiseSeed, ...rest } = steering;
  const parts = steeringParts(count > 1 ? rest : { ...rest, ...(noiseSeed === undefined ? {} : { noiseSeed }) }, text, 'named');
  if (edited !== null) {
    const later = log.length - edited.at - 1;
    const what = parts.length === 0 ? t('fork.editNone') : parts.join(', ');
    return `${t('fork.editSummary', { ...values, what })}${later === 0 ? '' : `; ${t('fork.editLater', { count: later })}`}`;
  }
  const all = [...parts, ...(count > 1 ? [t('fork.summaryVariations', { count })] : [])];
  return t('fork.summary', { ...values, what: all.length === 0 ? t('fork.summarySame') : all.join(', ') });
}
