import { useId, useState } from 'react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { guidanceRange, readNumber } from '../../stores/formRequest.ts';
import { steerRun } from '../../stores/runActions.ts';
import { NumberField } from '../../ui/NumberField.tsx';
import styles from './LiveScale.module.css';

export interface LiveScaleProps {
  readonly job: JobSnapshot;
  readonly disabled: boolean;
}

export function LiveScale({ job, disabled }: LiveScaleProps) {
  const { t, format } = useText();
  const id = useId();
  // What is being typed; null shows the run's own value.
  const [draft, setDraft] = useState<string | null>(null);
  const label = t('run.guidanceScale');
  const read = (text: string): number | null => {
    const value = readNumber(text);
    return value !== null && value >= guidanceRange.min && value <= guidanceRange.max ? value : null;
  };
  return (
    <div className={styles.scale}>
      <label className={styles.label} htmlFor={id}>
        {t('run.scaleShort')}
      </label>
      <NumberField
        id={id}
        className={styles.field}
        label={label}
        text={draft ?? format.number(job.guidanceScale)}
        {...guidanceRange}
        step={0.5}
        decimals
        disabled={disabled}
        invalid={draft !== null && read(draft) === null}
        decreaseLabel={t('common.decrease', { label })}
        increaseLabel={t('common.increase', { label })}
        onText={(text) => {
          setDraft(text);
          const value = read(text);
          if (value !== null) steerRun(job.jobId, { guidanceScale: value });
        }}
        onLeave={() => setDraft(null)}
      />
    </div>
  );
}
