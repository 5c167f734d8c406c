import { memo, useEffect, useId, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { guidanceRange } from '../../stores/formRanges.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { readNumber } from '../../stores/readText.ts';
import { steerRun } from '../../stores/runActions.ts';
import hidden from '../../ui/hidden.module.css';
import { NumberField } from '../../ui/NumberField.tsx';
import styles from './LiveScale.module.css';

/** What is typed counts once it rests or the field is left: the 1 on the way to 12 would run a step without guidance. */
const restMs = 600;

export interface LiveScaleProps {
  readonly jobId: string;
  /** Of the step to come. */
  readonly scale: number;
  readonly disabled: boolean;
  /** The scale follows points or a list of its own: a single number would change nothing. */
  readonly drawn: boolean;
}

/** It is not drawn anew at every step. */
export const LiveScale = memo(function LiveScale({ jobId, scale, disabled, drawn }: LiveScaleProps) {
  const { t, format } = useText();
  const id = useId();
  // What is being typed for a run; null shows the run's own value.
  const [typed, setTyped] = useState<{ readonly jobId: string; readonly text: string } | null>(null);
  const draft = typed?.jobId === jobId ? typed.text : null;
  const label = t('run.guidanceScale');
  const read = (text: string): number | null => {
    const value = readNumber(text);
    return value !== null && value >= guidanceRange.min && value <= guidanceRange.max ? value : null;
  };
  // Sent, and not confirmed by the engine yet.
  const pending = useStore(jobsStore, (jobs) => (jobs.extras[jobId] ?? noExtras).wanted.guidanceScale !== undefined);
  const rest = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(rest.current), [jobId]);
  const steerTo = (text: string): void => {
    window.clearTimeout(rest.current);
    const value = read(text);
    const now = jobsStore.getState().byId[jobId]?.guidanceScale;
    if (value !== null && value !== now) steerRun(jobId, { guidanceScale: value });
  };
  return (
    <div className={styles.scale} title={drawn ? t('run.scaleDrawn') : pending ? t('run.applying') : undefined} data-pending={pending}>
      <label className={styles.label} htmlFor={id}>
        {t('run.scaleShort')}
      </label>
      <NumberField
        id={id}
        className={styles.field}
        label={label}
        text={draft ?? format.number(scale)}
        {...guidanceRange}
        step={0.5}
        decimals
        disabled={disabled || drawn}
        invalid={draft !== null && read(draft) === null}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={(text) => {
          setTyped({ jobId, text });
          window.clearTimeout(rest.current);
          rest.current = window.setTimeout(() => steerTo(text), restMs);
        }}
        onMove={(text) => {
          setTyped({ jobId, text });
          steerTo(text);
        }}
        onLeave={() => {
          if (draft !== null) steerTo(draft);
          setTyped(null);
        }}
      />
      {drawn ? <span className={hidden.hidden}>{t('run.scaleDrawn')}</span> : null}
    </div>
  );
});
