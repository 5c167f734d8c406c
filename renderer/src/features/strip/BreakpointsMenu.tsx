import { CirclePause, X } from 'lucide-react';
import { memo, useId, useState } from 'react';
import { useStore } from 'zustand';
import { isEnded, type Breakpoint, type JobSnapshot } from '../../../../shared/job.ts';
import { useText, type Text } from '../../i18n/useText.ts';
import { noBreakpoints, putBreakpoint, removeBreakpoint, usualThreshold } from '../../stores/breakpoints.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { readInteger, readNumber } from '../../stores/readText.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useJob } from '../../stores/useBranches.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { NumberField } from '../../ui/NumberField.tsx';
import { Popover } from '../../ui/Popover.tsx';
import { Switch } from '../../ui/Switch.tsx';
import styles from './BreakpointsMenu.module.css';

/** Where the run pauses by itself: a list to look at and to change. It is not drawn anew at every step. */
export const BreakpointsMenu = memo(function BreakpointsMenu({ jobId }: { readonly jobId: string }) {
  const { t } = useText();
  const list = useStore(jobsStore, (jobs) => jobs.byId[jobId]?.breakpoints ?? noBreakpoints);
  const finished = useStore(jobsStore, (jobs) => jobs.byId[jobId]?.state === 'finished');
  const label = list.length === 0 ? t('breakpoints.open') : t('breakpoints.openWith', { count: list.length });
  return (
    <Popover
      side="top"
      align="end"
      title={t('breakpoints.title')}
      trigger={
        <Button className={styles.open} size="s" icon={<CirclePause aria-hidden />} aria-label={label} title={label} disabled={finished}>
          {label}
        </Button>
      }
    >
      <Settings jobId={jobId} list={list} />
    </Popover>
  );
});

interface SettingsProps {
  readonly jobId: string;
  readonly list: readonly Breakpoint[];
}

function Settings({ jobId, list }: SettingsProps) {
  const { t } = useText();
  const job = useJob(jobId);
  const hasCutoff = list.some(({ kind }) => kind === 'cutoff');
  return (
    <div className={styles.settings}>
      <Switch
        label={t('breakpoints.cutoff')}
        checked={hasCutoff}
        onChange={(on) => (on ? putBreakpoint : removeBreakpoint)(jobId, { kind: 'cutoff' })}
      />
      <Settled jobId={jobId} list={list} />
      {job === null ? null : <AtStep job={job} />}
      <List jobId={jobId} list={list} />
      {job !== null && isEnded(job.state) ? <p className={styles.hint}>{t('breakpoints.ended')}</p> : null}
    </div>
  );
}

function Settled({ jobId, list }: { readonly jobId: string; readonly list: readonly Breakpoint[] }) {
  const { t, format } = useText();
  const id = useId();
  const set = list.find((breakpoint) => breakpoint.kind === 'settled');
  const [text, setText] = useState(format.number(set?.threshold ?? usualThreshold, 4));
  const threshold = readNumber(text);
  const isGood = threshold !== null && threshold > 0 && threshold <= 1;
  const label = t('breakpoints.threshold');
  const type = (next: string): void => {
    setText(next);
    const value = readNumber(next);
    if (set !== undefined && value !== null && value > 0 && value <= 1) putBreakpoint(jobId, { kind: 'settled', threshold: value });
  };
  return (
    <>
      <Switch
        label={t('breakpoints.settled')}
        checked={set !== undefined}
        onChange={(on) => {
          if (!on) removeBreakpoint(jobId, { kind: 'settled', threshold: usualThreshold });
          else if (isGood) putBreakpoint(jobId, { kind: 'settled', threshold });
        }}
      />
      <div className={styles.row}>
        <label htmlFor={id}>{label}</label>
        <NumberField
          id={id}
          className={styles.number}
          text={text}
          min={0.01}
          max={1}
          step={0.01}
          decimals
          invalid={!isGood}
          decreaseLabel={t('common.decrease', { label })}
          increaseLabel={t('common.increase', { label })}
          onText={type}
        />
      </div>
      <p className={styles.hint}>{t('breakpoints.thresholdHint')}</p>
    </>
  );
}

function AtStep({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const id = useId();
  // A run never pauses after its last step, nor where it has been.
  const first = job.steps.length + 1;
  const last = jobSteps(job) - 1;
  const [text, setText] = useState<string | null>(null);
  const shown = text ?? String(Math.min(first, last));
  const step = readInteger(shown, first, last);
  const label = t('breakpoints.atStep');
  if (first > last) return null;
  return (
    <form
      className={styles.row}
      onSubmit={(event) => {
        event.preventDefault();
        if (step !== null) putBreakpoint(job.jobId, { kind: 'step', stepIndex: step - 1 });
      }}
    >
      <label htmlFor={id}>{label}</label>
      <NumberField
        id={id}
        className={styles.number}
        text={shown}
        min={first}
        max={last}
        step={1}
        invalid={step === null}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={setText}
      />
      <Button className={styles.add} type="submit" disabled={step === null}>
        {t('breakpoints.add')}
      </Button>
    </form>
  );
}

function List({ jobId, list }: { readonly jobId: string; readonly list: readonly Breakpoint[] }) {
  const text = useText();
  const { t } = text;
  if (list.length === 0) return <p className={styles.hint}>{t('breakpoints.none')}</p>;
  return (
    <ul className={styles.list} aria-label={t('breakpoints.list')}>
      {list.map((breakpoint) => {
        const what = breakpointText(breakpoint, text);
        return (
          <li key={what} className={styles.item}>
            {what}
            <IconButton label={t('breakpoints.remove', { what })} icon={<X aria-hidden />} size="s" onClick={() => removeBreakpoint(jobId, breakpoint)} />
          </li>
        );
      })}
    </ul>
  );
}

function breakpointText(breakpoint: Breakpoint, { t, format }: Text): string {
  switch (breakpoint.kind) {
    case 'step':
      return t('breakpoints.afterStep', { step: breakpoint.stepIndex + 1 });
    case 'cutoff':
      return t('breakpoints.cutoff');
    case 'settled':
      return t('breakpoints.settledBelow', { percent: `${format.number(breakpoint.threshold * 100)} %` });
  }
}
