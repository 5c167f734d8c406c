import { memo, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import { batchSize } from '../../../../shared/generation.ts';
import { markTexts } from '../../i18n/markText.ts';
import { useText } from '../../i18n/useText.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { lookAt, moveLook, previewsByStep } from '../../stores/lookBack.ts';
import { marksByStep } from '../../stores/runMarks.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useJob } from '../../stores/useBranches.ts';
import { viewStore } from '../../stores/view.ts';
import styles from './Frames.module.css';
import { placesToCome } from './places.ts';
import { StripFrame } from './StripFrame.tsx';

const keyActions: Readonly<Record<string, () => void>> = {
  ArrowLeft: () => moveLook(-1),
  ArrowRight: () => moveLook(1),
  Home: () => lookAt(0),
  End: () => lookAt(null),
};

function onKeyDown(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const action = keyActions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}

/** A run's steps, one frame each. It follows the run by itself: what lies around it is not drawn anew at every step. */
export const Frames = memo(function Frames({ jobId }: { readonly jobId: string }) {
  const text = useText();
  const job = useJob(jobId);
  const look = useStore(viewStore, (view) => view.lookStep);
  const halts = useStore(jobsStore, (jobs) => (jobs.extras[jobId] ?? noExtras).halts);
  if (job === null) return null;
  const done = job.steps.length;
  const current = look ?? done - 1;
  const previews = previewsByStep(job.previews);
  const marks = marksByStep(job, halts);
  const total = jobSteps(job);
  const whole = batchSize(job.request) > 1;
  return (
    <div
      className={styles.list}
      role="listbox"
      aria-orientation="horizontal"
      aria-label={text.t('strip.label')}
      aria-activedescendant={done === 0 ? undefined : `step-${String(current)}`}
      tabIndex={0}
      data-testid="strip"
      onKeyDown={onKeyDown}
    >
      {Array.from({ length: done + placesToCome(job) }, (_, index) => (
        <StripFrame
          key={index}
          step={job.steps[index] ?? null}
          total={total}
          src={previews.get(index)?.url ?? null}
          selected={index === current}
          looking={look === index}
          waiting={index === done && job.state === 'paused'}
          whole={whole}
          done={markTexts(marks.get(index) ?? [], text).join('; ')}
        />
      ))}
    </div>
  );
});
