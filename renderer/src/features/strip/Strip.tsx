import { useState, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import { batchSize } from '../../../../shared/generation.ts';
import { isEnded, type JobSnapshot } from '../../../../shared/job.ts';
import { markTexts } from '../../i18n/markText.ts';
import { useText } from '../../i18n/useText.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { lookAt, moveLook, previewsByStep } from '../../stores/lookBack.ts';
import { marksByStep } from '../../stores/runMarks.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useShownJob } from '../../stores/useShown.ts';
import { viewStore } from '../../stores/view.ts';
import { cx } from '../../ui/cx.ts';
import { FrameMenu } from './FrameMenu.tsx';
import { MetricsChart } from './MetricsChart.tsx';
import { Ruler } from './Ruler.tsx';
import styles from './Strip.module.css';
import { StripFrame } from './StripFrame.tsx';
import { StripTools } from './StripTools.tsx';
import { useFrameInView } from './useFrameInView.ts';

/** Beyond this many steps the frames still to come are not drawn. */
const mostPlaces = 120;

/** The run in the canvas, step by step: its finished steps to look back at, what was done where, and its numbers. */
export function Strip() {
  const job = useShownJob();
  return job === null || job.state === 'queued' ? null : <StripOf key={job.jobId} job={job} />;
}

function StripOf({ job }: { readonly job: JobSnapshot }) {
  const text = useText();
  const { t } = text;
  const look = useStore(viewStore, (view) => view.lookStep);
  const halts = useStore(jobsStore, (jobs) => (jobs.extras[job.jobId] ?? noExtras).halts);
  const [menuStep, setMenuStep] = useState<number | null>(null);
  const done = job.steps.length;
  const total = jobSteps(job);
  const previews = previewsByStep(job.previews);
  const marks = marksByStep(job, halts);
  const toCome = isEnded(job.state) || total > mostPlaces ? 0 : Math.max(0, total - done);
  const current = look ?? done - 1;
  const whole = batchSize(job.request) > 1;
  const list = useFrameInView(current);

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
      <div className={styles.row}>
        <div ref={list} className={styles.scroll} tabIndex={-1}>
          <FrameMenu job={job} step={menuStep ?? current}>
            <div
              className={styles.list}
              role="listbox"
              aria-orientation="horizontal"
              aria-label={t('strip.label')}
              aria-activedescendant={done === 0 ? undefined : `step-${String(current)}`}
              tabIndex={0}
              data-testid="strip"
              onKeyDown={onKeyDown}
              onContextMenu={(event) => setMenuStep(stepOf(event.target))}
            >
              {job.steps.map((step) => (
                <StripFrame
                  key={step.stepIndex}
                  step={step}
                  total={total}
                  src={previews.get(step.stepIndex)?.url ?? null}
                  selected={step.stepIndex === current}
                  looking={look === step.stepIndex}
                  whole={whole}
                  done={markTexts(marks.get(step.stepIndex) ?? [], text).join('; ')}
                />
              ))}
              {Array.from({ length: toCome }, (_, index) => (
                <div key={done + index} className={cx(styles.place, index === 0 && job.state === 'paused' && styles.waiting)} aria-hidden />
              ))}
            </div>
          </FrameMenu>
          <Ruler job={job} length={done + toCome} total={total} marks={marks} />
        </div>
        <StripTools job={job} current={current} />
      </div>
      <MetricsChart job={job} total={total} />
    </div>
  );
}

/** The frame that was clicked; null: none of them, as when the menu is asked for by its key. */
function stepOf(target: EventTarget): number | null {
  const frame = target instanceof Element ? target.closest<HTMLElement>('[data-index]') : null;
  const index = Number(frame?.dataset['index'] ?? NaN);
  return Number.isNaN(index) ? null : index;
}
