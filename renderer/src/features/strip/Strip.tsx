import { useStore } from 'zustand';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { marksByStep } from '../../stores/runMarks.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { useJob } from '../../stores/useBranches.ts';
import { useShownJob } from '../../stores/useShown.ts';
import { viewStore } from '../../stores/view.ts';
import { FrameMenu } from './FrameMenu.tsx';
import { MetricsChart } from './MetricsChart.tsx';
import { placesToCome } from './places.ts';
import { Ruler } from './Ruler.tsx';
import styles from './Strip.module.css';
import { StripTools } from './StripTools.tsx';
import { useFrameInView } from './useFrameInView.ts';
import { useNextFrame } from './useNextFrame.ts';

/** The run in the canvas, step by step: its finished steps to look back at, what was done where, and its numbers. */
export function Strip() {
  const newest = useShownJob();
  // Another run comes into the strip a frame after it has come into the canvas: both in one would be a late frame.
  const job = useJob(useNextFrame(newest?.jobId ?? null)) ?? newest;
  return job === null || job.state === 'queued' ? null : <StripOf job={job} />;
}

/** One for all runs: the next takes over what the one before has drawn. */
function StripOf({ job }: { readonly job: JobSnapshot }) {
  const look = useStore(viewStore, (view) => view.lookStep);
  const halts = useStore(jobsStore, (jobs) => (jobs.extras[job.jobId] ?? noExtras).halts);
  const done = job.steps.length;
  const total = jobSteps(job);
  const current = look ?? done - 1;
  const list = useFrameInView(current);
  return (
    <div className={styles.strip}>
      <div className={styles.row}>
        <div ref={list} className={styles.scroll} tabIndex={-1}>
          <FrameMenu jobId={job.jobId} disabled={done === 0} />
          <Ruler job={job} length={done + placesToCome(job)} total={total} marks={marksByStep(job, halts)} />
        </div>
        <StripTools job={job} current={current} />
      </div>
      <MetricsChart job={job} total={total} />
    </div>
  );
}
