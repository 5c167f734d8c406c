import { useState, type KeyboardEvent, type RefObject } from 'react';
import { steeringParts } from '../../i18n/steeringText.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import { branchesStore, closeFork } from '../../stores/branches.ts';
import { forkErrors, forkSteering, isNoisy, totalOf, variationsOf, withChange, type ForkChanges } from '../../stores/forkDraft.ts';
import { continuesItself, firstChanges, forkRequest, isInProgress, startForks, type ForkPlan } from '../../stores/forkPanel.ts';
import type { Steering } from '../../../../shared/job.ts';
import { Button } from '../../ui/Button.tsx';
import { ForkFields } from './ForkFields.tsx';
import styles from './ForkForm.module.css';
import { ForkNoise } from './ForkNoise.tsx';
import { ForkRest } from './ForkRest.tsx';
import { ForkStep } from './ForkStep.tsx';
import { useKeptSteps } from './useKeptSteps.ts';

export interface ForkFormProps {
  readonly plan: ForkPlan;
  readonly first: RefObject<HTMLTextAreaElement | null>;
}

export function ForkForm({ plan, first }: ForkFormProps) {
  const text = useText();
  const { t } = text;
  const { job, stepIndex, base, edited } = plan;
  const kept = useKeptSteps(job.jobId, job.steps.length);
  const [changes, setChanges] = useState<ForkChanges>(() => firstChanges(plan));
  const [variations, setVariations] = useState('1');
  const [busy, setBusy] = useState(false);
  const change = (next: ForkChanges): void => setChanges(withChange(base, changes, next));

  const source = kept?.get(stepIndex) ?? null;
  const replays = edited !== null && kept !== null && source === null;
  const varied = edited === null && isNoisy(base, changes);
  const errors = forkErrors(base, changes, varied ? variations : '1');
  const steering = forkSteering(base, changes);
  const count = varied ? Math.max(1, Number(variations)) : 1;
  const isUnchanged = edited === null && count === 1 && Object.keys(steering).length === 0;
  const itself = isUnchanged && continuesItself(plan);
  const atEnd = base.done >= base.settings.numTimesteps && !itself;
  const possible = kept !== null && (source !== null || replays || itself) && !atEnd && Object.keys(errors).length === 0 && !busy;

  const start = async (): Promise<void> => {
    if (!possible) return;
    setBusy(true);
    const started = await startForks(variationsOf(steering, count).map((each) => forkRequest(plan, each, source)));
    setBusy(false);
    if (started) closeFork();
  };
  // Not by a submit button alone: Enter starts from a prompt too.
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    if (event.target instanceof HTMLButtonElement || (event.target instanceof HTMLElement && event.target.matches('summary, select'))) return;
    event.preventDefault();
    void start();
  };

  return (
    <div className={styles.form} onKeyDown={onKeyDown} data-testid="fork-panel">
      <div className={styles.columns}>
        <ForkStep
          job={job}
          stepIndex={Math.max(0, stepIndex)}
          total={base.settings.numTimesteps}
          kept={kept}
          movable={edited === null}
          note={replays ? t('fork.replayHint') : atEnd ? t('fork.atEnd') : isInProgress(job) ? t('fork.running') : null}
          onStep={(step) => branchesStore.setState({ target: { jobId: job.jobId, stepIndex: step, entry: null } })}
        />
        <div className={styles.fields}>
          <ForkFields base={base} changes={changes} errors={errors} first={first} onChange={change} />
          <ForkRest base={base} changes={changes} errors={errors} onChange={change} />
          <ForkNoise base={base} changes={changes} errors={errors} variations={edited === null ? variations : null} onChange={change} onVariations={setVariations} />
        </div>
      </div>
      <footer className={styles.foot}>
        <p className={styles.summary} aria-live="polite" data-testid="fork-summary">
          {summary(plan, steering, count, totalOf(base, changes), text)}
        </p>
        <div className={styles.actions}>
          <span className={styles.keys}>{t('fork.keys')}</span>
          <Button look="quiet" onClick={closeFork}>
            {t('start.cancel')}
          </Button>
          <Button look="primary" disabled={!possible} onClick={() => void start()} data-testid="fork-start">
            {replays ? t('fork.replay') : itself ? t('fork.continueRun') : isUnchanged ? t('fork.continue') : t('fork.start', { count })}
          </Button>
        </div>
      </footer>
    </div>
  );
}

function summary({ base, edited, log }: ForkPlan, steering: Steering, count: number, total: number, text: Text): string {
  const { t } = text;
  const values = { step: base.done, total: edited === null ? base.settings.numTimesteps : total };
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
