import { useId } from 'react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { rangesText } from '../../stores/ranges.ts';
import { shownFrame } from '../../stores/shownFrame.ts';
import { Field } from '../../ui/Field.tsx';
import { Frame } from '../../ui/Frame.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import styles from './ForkStep.module.css';

export interface ForkStepProps {
  readonly job: JobSnapshot;
  readonly stepIndex: number;
  readonly total: number;
  /** The steps that can be gone back to; null until they are known. */
  readonly kept: ReadonlyMap<number, string> | null;
  readonly movable: boolean;
  readonly note: string | null;
  onStep(stepIndex: number): void;
}

/** The step that a branch begins at, with its picture. */
export function ForkStep({ job, stepIndex, total, kept, movable, note, onStep }: ForkStepProps) {
  const { t } = useText();
  const id = useId();
  const values = { step: stepIndex + 1, total };
  const frame = shownFrame(job, null, stepIndex);
  return (
    <div className={styles.step}>
      <div className={styles.picture} style={{ aspectRatio: `${String(job.request.width)} / ${String(job.request.height)}` }}>
        {frame === null ? (
          <span className={styles.none}>{t('fork.noPreview')}</span>
        ) : (
          <Frame src={frame.src} stream={job.jobId} alt={t('fork.preview', { step: frame.step ?? stepIndex + 1 })} />
        )}
      </div>
      {movable && job.steps.length > 1 ? (
        <Field id={id} label={t('fork.step')} aside={<output className={styles.value}>{stepIndex + 1}</output>}>
          <RangeSlider
            id={id}
            value={stepIndex + 1}
            min={1}
            max={job.steps.length}
            spoken={t('fork.stepSpoken', values)}
            onChange={(step) => onStep(step - 1)}
          />
        </Field>
      ) : null}
      <p className={styles.note} role="status">
        {movable && kept !== null && !kept.has(stepIndex) ? notKept(stepIndex, kept, t) : kept === null ? t('fork.checking') : note}
      </p>
    </div>
  );
}

function notKept(stepIndex: number, kept: ReadonlyMap<number, string>, t: ReturnType<typeof useText>['t']): string {
  if (kept.size === 0) return t('fork.noneKept');
  return t('fork.notKept', { step: stepIndex + 1, kept: rangesText([...kept.keys()].map((step) => step + 1)) });
}
