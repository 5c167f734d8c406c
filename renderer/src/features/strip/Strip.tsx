import { useEffect, useRef, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import { batchSize } from '../../../../shared/generation.ts';
import { isEnded, type JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { lookAt, moveLook, previewsByStep } from '../../stores/lookBack.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useShownJob } from '../../stores/useShown.ts';
import { viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import styles from './Strip.module.css';
import { StripFrame } from './StripFrame.tsx';

/** Beyond this many steps the frames still to come are not drawn. */
const mostPlaces = 120;

/** Pixels kept free beside the current frame. */
const margin = 20;

/** The finished steps of the run in the canvas, to look back at. */
export function Strip() {
  const job = useShownJob();
  return job === null || job.state === 'queued' ? null : <StripOf job={job} />;
}

function StripOf({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const look = useStore(viewStore, (view) => view.lookStep);
  const list = useRef<HTMLDivElement>(null);
  const done = job.steps.length;
  const total = jobSteps(job);
  const previews = previewsByStep(job.previews);
  const toCome = isEnded(job.state) || total > mostPlaces ? 0 : total - done;
  const current = look ?? done - 1;
  const whole = batchSize(job.request) > 1;

  useEffect(() => {
    const box = list.current;
    const frame = box?.querySelector<HTMLElement>(`[data-index="${String(current)}"]`) ?? null;
    if (box === null || frame === null) return;
    // By hand: scrollIntoView would move every box around the strip too.
    const left = frame.offsetLeft - box.offsetLeft;
    if (left < box.scrollLeft + margin) box.scrollLeft = left - margin;
    else if (left + frame.offsetWidth > box.scrollLeft + box.clientWidth - margin) {
      box.scrollLeft = left + frame.offsetWidth - box.clientWidth + margin;
    }
  }, [current]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const action = keyActions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };
  const keyActions: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => moveLook(-1),
    ArrowRight: () => moveLook(1),
    Home: () => lookAt(0),
    End: () => lookAt(null),
  };

  return (
    <div className={styles.strip}>
      <div
        ref={list}
        className={styles.list}
        role="listbox"
        aria-orientation="horizontal"
        aria-label={t('strip.label')}
        aria-activedescendant={done === 0 ? undefined : `step-${String(current)}`}
        tabIndex={0}
        data-testid="strip"
        onKeyDown={onKeyDown}
      >
        {job.steps.map((step) => (
          <StripFrame
            key={step.stepIndex}
            index={step.stepIndex}
            total={total}
            guided={step.guided}
            src={previews.get(step.stepIndex)?.url ?? null}
            selected={step.stepIndex === current}
            looking={look === step.stepIndex}
            whole={whole}
          />
        ))}
        {Array.from({ length: toCome }, (_, index) => (
          <div key={done + index} className={styles.place} aria-hidden />
        ))}
      </div>
      {look === null ? null : (
        <Button className={styles.live} size="s" onClick={() => lookAt(null)}>
          {job.pictures.length === 0 ? t('run.live') : t('run.result')}
        </Button>
      )}
    </div>
  );
}
