import { Recycle } from 'lucide-react';
import { memo, type PointerEvent } from 'react';
import type { StepRecord } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { lookAt, peekAt } from '../../stores/lookBack.ts';
import { cx } from '../../ui/cx.ts';
import hidden from '../../ui/hidden.module.css';
import styles from './StripFrame.module.css';

export interface StripFrameProps extends Omit<FactsProps, 'step'> {
  /** Null: it is still to come, and its place is kept free. */
  readonly step: StepRecord | null;
  /** The newest step, or the one looked back at. */
  readonly selected: boolean;
  readonly looking: boolean;
  /** The run waits before this step. */
  readonly waiting: boolean;
}

interface FactsProps {
  readonly step: StepRecord | null;
  readonly total: number;
  readonly src: string | null;
  /** The preview holds several pictures side by side: all of it is shown, instead of its middle. */
  readonly whole: boolean;
  /** What was done to the run after this step; empty: nothing. */
  readonly done: string;
}

export const StripFrame = memo(function StripFrame({ step, selected, looking, waiting, ...facts }: StripFrameProps) {
  if (step === null) {
    return (
      <div className={cx(styles.place, waiting && styles.waiting)} aria-hidden>
        <Facts step={null} {...facts} />
      </div>
    );
  }
  const { stepIndex, guided, reused } = step;
  return (
    <div
      id={`step-${String(stepIndex)}`}
      className={cx(styles.frame, selected && styles.selected, looking && styles.looking)}
      role="option"
      aria-selected={selected}
      data-index={stepIndex}
      data-guided={guided}
      data-reused={reused}
      onClick={() => lookAt(stepIndex)}
      onPointerMove={(event) => {
        if (isMoved(event)) peekAt(stepIndex);
      }}
      onPointerLeave={() => peekAt(null)}
    >
      <Facts step={step} {...facts} />
    </div>
  );
});

/**
 * What is in a frame. In a place that is free again, because another run begins, it stays as it was, out of sight: to write
 * the next step over it costs the page a fraction of what removing all frames and making new ones does.
 */
const Facts = memo(
  function Facts({ step, total, src, whole, done }: FactsProps) {
    const { t, format } = useText();
    if (step === null) return null;
    const { stepIndex, guided, reused } = step;
    const values = { step: stepIndex + 1, total };
    const guidance = guided ? format.number(step.guidanceScale, 1) : t('strip.off');
    const sigma = format.number(step.sigma, step.sigma < 10 ? 2 : 1);
    const facts = [
      t('strip.stepFacts', { step: guided ? t('strip.step', values) : t('strip.stepUnguided', values), sigma, guidance }),
      ...(reused === 'none' ? [] : [t(`strip.reused.${reused}`)]),
    ].join('. ');
    return (
      <>
        <span className={hidden.hidden}>{done === '' ? facts : t('strip.then', { step: facts, marks: done })}</span>
        <span className={cx(styles.picture, whole && styles.whole)} aria-hidden>
          {/* Another picture is another element: one that is given a new address shows the old picture until it has the new. */}
          {src === null ? null : <img key={src} src={src} alt="" draggable={false} decoding="async" />}
          {reused === 'none' ? null : (
            <span className={styles.reused} title={t(`strip.reused.${reused}`)}>
              <Recycle />
            </span>
          )}
        </span>
        <span className={styles.foot} aria-hidden>
          <span className={styles.number}>{stepIndex + 1}</span>
          <span className={cx(styles.guidance, guided && styles.guided)}>{guidance}</span>
        </span>
        <span className={styles.sigma} aria-hidden>
          {t('strip.sigma', { sigma })}
        </span>
      </>
    );
  },
  (before, after) => after.step === null || isSame(before, after),
);

function isSame(a: FactsProps, b: FactsProps): boolean {
  return a.step === b.step && a.total === b.total && a.src === b.src && a.whole === b.whole && a.done === b.done;
}

/** Frames that slide under a resting pointer, as a run goes on, are not pointed at; a finger has no glance. */
function isMoved(event: PointerEvent): boolean {
  return event.pointerType === 'mouse' && (event.movementX !== 0 || event.movementY !== 0);
}
