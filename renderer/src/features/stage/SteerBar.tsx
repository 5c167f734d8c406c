import { useId } from 'react';
import { useStore } from 'zustand';
import { guidedSteps } from '../../../../shared/generation.ts';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { jobPlanAt, jobScales } from '../../stores/curvePlan.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { guidanceOff, steerRun } from '../../stores/runActions.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import { LiveLoras } from './LiveLoras.tsx';
import { LivePace } from './LivePace.tsx';
import { LivePrompt } from './LivePrompt.tsx';
import { LiveScale } from './LiveScale.tsx';
import styles from './SteerBar.module.css';

/** What may change while the picture develops; each takes effect with the next step. */
export function SteerBar({ job }: { readonly job: JobSnapshot }) {
  const { t } = useText();
  const id = useId();
  const { jobId } = job;
  const total = jobSteps(job);
  const done = job.steps.length;
  const unguided = job.guidanceScale <= 1;
  const guided = guidedSteps(job.guidanceEnd, total);
  // The step in progress at "off now" was still guided.
  const shown = Math.max(guided, job.steps.findLastIndex((step) => step.guided) + 1);
  const waiting = job.state === 'queued';
  const linked = useStore(appStore, (state) => state.link === 'open');
  // Sent, and not confirmed by the engine yet.
  const wanted = useStore(jobsStore, (jobs) => (jobs.extras[jobId] ?? noExtras).wanted);
  const endPending = wanted.guidanceEnd !== undefined;
  const { guidanceCurve } = jobPlanAt(job, wanted, done);
  const drawn = guidanceCurve.kind === 'points' || guidanceCurve.kind === 'list';
  const scale = drawn ? (jobScales(job, wanted, [])[Math.min(done, total - 1)] ?? job.guidanceScale) : job.guidanceScale;
  const over = job.state === 'decoding' || job.stopping || !linked;
  const isOff = unguided || guided <= done;
  // What is past stays as it was: the earliest end of guidance is the step in progress.
  const cutAt = (step: number): void => {
    const steps = Math.max(step, done);
    steerRun(jobId, { guidanceEnd: steps >= total ? { kind: 'never' } : { kind: 'guided-steps', steps } });
  };
  return (
    <div className={styles.bar} role="group" aria-label={t('run.controls')}>
      <div className={styles.cutoff} data-testid="live-cutoff">
        <label className={styles.label} htmlFor={id}>
          {t('run.cutoffShort')}
        </label>
        <RangeSlider
          id={id}
          label={t('run.cutoff')}
          className={styles.slider}
          value={shown}
          min={0}
          max={total}
          lockedTo={done}
          disabled={unguided || over || waiting}
          spoken={t('form.cutoffSpoken', { guided: shown, total })}
          onChange={cutAt}
        />
        <output className={cx(styles.value, endPending && styles.pending)} htmlFor={id} title={endPending ? t('run.applying') : undefined}>
          {shown}
        </output>
      </div>
      <Button className={styles.off} size="s" disabled={isOff || over || waiting} onClick={guidanceOff}>
        {isOff && !waiting ? t('run.cutoffIsOff') : t('run.cutoffOff')}
      </Button>
      <LiveScale jobId={jobId} scale={scale} disabled={over || waiting} drawn={drawn} />
      <LivePace paceMs={job.paceMs} />
      {/* What is open of a run closes with it. */}
      <LiveLoras key={`loras-${jobId}`} jobId={jobId} disabled={over || waiting} />
      <LivePrompt key={`prompt-${jobId}`} jobId={jobId} disabled={over || waiting} />
    </div>
  );
}
