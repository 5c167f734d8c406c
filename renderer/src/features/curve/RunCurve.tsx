import { ChevronRight } from 'lucide-react';
import { useId } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { isEnded, type JobSnapshot, type Steering } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { addPoint, handlesAhead, movePoint, removePoint, runPoints } from '../../stores/curve.ts';
import { forecastCalls, jobPlanAt, jobScales, knownSigmas, lockedSteps } from '../../stores/curvePlan.ts';
import { curveViewStore } from '../../stores/curveView.ts';
import { jobsStore } from '../../stores/jobs.ts';
import { steerRun } from '../../stores/runActions.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useShownJob } from '../../stores/useShown.ts';
import { Button } from '../../ui/Button.tsx';
import { Switch } from '../../ui/Switch.tsx';
import { CurveEditor } from './CurveEditor.tsx';
import { CurveSentences } from './CurveSentences.tsx';
import styles from './RunCurve.module.css';

const nothingWanted: Steering = {};

/** The guidance scale of the run in the canvas: what is past as it was, what is ahead to be bent. */
export function RunCurve() {
  const { t } = useText();
  const id = useId();
  const job = useShownJob();
  const open = useStore(curveViewStore, (view) => view.open);
  const wanted = useStore(jobsStore, (jobs) => jobs.extras[job?.jobId ?? '']?.wanted ?? nothingWanted);
  const sigmas = useStore(
    jobsStore,
    useShallow((jobs) => (job === null || job.request.guidanceInterval === null ? [] : knownSigmas(jobs, job.request))),
  );
  if (job === null || jobSteps(job) === 0) return null;
  const scales = jobScales(job, wanted, sigmas);
  const plan = jobPlanAt(job, wanted, jobSteps(job) - 1);
  return (
    <section className={styles.panel} aria-label={t('curve.run')} data-testid="run-curve">
      <div className={styles.head}>
        <button
          type="button"
          className={styles.toggle}
          aria-expanded={open}
          aria-controls={id}
          onClick={() => curveViewStore.setState({ open: !open })}
        >
          <ChevronRight className={styles.chevron} aria-hidden />
          {t('curve.run')}
        </button>
        <CurveSentences scales={scales} forecast={forecastCalls(scales, plan.reuse, plan.guidanceEnd, job.steps)} />
        <Reused job={job} />
      </div>
      <div id={id} hidden={!open}>
        {open ? <RunEditor job={job} wanted={wanted} scales={scales} /> : null}
      </div>
    </section>
  );
}

/** What a draft has left out: it is not the picture that the same settings without it would give. */
function Reused({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const count = job.steps.filter(({ reused }) => reused !== 'none').length;
  if (count === 0) return null;
  return (
    <span className={styles.draft} data-testid="reused">
      {t('curve.reused', { count })}
    </span>
  );
}

interface RunEditorProps {
  readonly job: JobSnapshot;
  readonly wanted: Steering;
  readonly scales: readonly number[];
}

function RunEditor({ job, wanted, scales }: RunEditorProps) {
  const { t, format } = useText();
  const linked = useStore(appStore, (state) => state.link === 'open');
  const total = scales.length;
  const ended = isEnded(job.state);
  const locked = ended || job.state === 'decoding' ? total : lockedSteps(job);
  const { guidanceScale, guidanceCurve } = jobPlanAt(job, wanted, total - 1);
  const points = runPoints({ guidanceScale, curve: guidanceCurve }, total, locked);
  const waiting = job.state === 'queued' || job.state === 'loading';
  const disabled = waiting || job.stopping || !linked || locked >= total;
  const pending = wanted.guidanceCurve !== undefined;
  const steer = (change: Steering): void => steerRun(job.jobId, change);
  const level = scales[Math.min(locked, total - 1)] ?? guidanceScale;
  return (
    <CurveEditor
      className={styles.editor}
      label={t('curve.run')}
      scales={scales}
      handles={disabled ? [] : handlesAhead(points, total, locked)}
      locked={locked}
      pending={pending}
      disabled={disabled}
      onMove={(index, place) => steer({ guidanceCurve: movePoint(points, total, index, place, locked) })}
      onAdd={(place) => {
        const added = addPoint(points, total, place);
        if (added === null) return null;
        steer({ guidanceCurve: added.curve });
        return added.index;
      }}
      onRemove={(index) => steer({ guidanceCurve: removePoint(points, index) })}
    >
      {ended ? null : (
        <div className={styles.row}>
          <Button
            look="quiet"
            size="s"
            disabled={disabled}
            onClick={() => steer({ guidanceScale: level, guidanceCurve: { kind: 'constant' } })}
          >
            {t('curve.level', { scale: format.number(level, 1) })}
          </Button>
          {guidanceCurve.kind === 'points' ? (
            <Switch
              label={t('curve.smooth')}
              checked={guidanceCurve.smooth}
              onChange={(smooth) => steer({ guidanceCurve: { ...guidanceCurve, smooth } })}
            />
          ) : null}
        </div>
      )}
      <span className={styles.pending} role="status">
        {pending ? t('curve.pending', { step: Math.min(locked, total - 1) + 1 }) : ''}
      </span>
    </CurveEditor>
  );
}
