import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import { isEnded } from '../../../../shared/job.ts';
import { formStore } from '../../stores/form.ts';
import { activeJob, jobsStore } from '../../stores/jobs.ts';
import { stageSideStore } from '../../stores/stageSide.ts';
import { useShownJob, useShownPicture } from '../../stores/useShown.ts';
import { viewStore } from '../../stores/view.ts';
import styles from './Dock.module.css';
import { FailedDock } from './FailedDock.tsx';
import { LeftoverEdit } from './LeftoverEdit.tsx';
import { ResultDock } from './ResultDock.tsx';
import { RunningDock } from './RunningDock.tsx';
import { StartDock } from './StartDock.tsx';
import { StoppedDock } from './StoppedDock.tsx';

/** Under the canvas: the run's numbers and what can be done now. Two rows in every state, so that the picture never jumps. */
export function Dock() {
  const turnedToPicture = useStore(viewStore, (view) => view.target.kind === 'picture');
  const job = useShownJob();
  const picture = useShownPicture();
  const keepFocus = useKeptFocus();
  const onStart = useTurnedToStart();
  const start = useStore(formStore, (form) => form.image);
  if (onStart) {
    // The result's own actions would be about a picture out of sight.
    return start === null ? null : (
      <div className={styles.dock} {...keepFocus}>
        <StartDock image={start} />
      </div>
    );
  }
  if (picture !== null) {
    return (
      <div className={styles.dock} {...keepFocus}>
        <ResultDock picture={picture} job={job} />
        {job === null ? null : <LeftoverEdit job={job} />}
      </div>
    );
  }
  if (job === null || turnedToPicture) return null;
  return (
    <div className={styles.dock} {...keepFocus}>
      {job.state === 'failed' ? <FailedDock job={job} /> : null}
      {job.state === 'stopped' ? <StoppedDock job={job} /> : null}
      {isEnded(job.state) ? null : <RunningDock job={job} />}
      <LeftoverEdit job={job} />
    </div>
  );
}

/** Whether the stage shows where the next run starts; a run that goes on keeps its place here all the same. */
function useTurnedToStart(): boolean {
  const possible = useStore(formStore, (form) => form.task !== 'text-to-image');
  const turned = useStore(stageSideStore, (stage) => stage.side === 'start');
  const running = useStore(jobsStore, (jobs) => activeJob(jobs) !== null);
  return possible && turned && !running;
}

/** A button that goes with its state (Delete, Discard) hands the focus to the canvas: on the body it would be lost. */
function useKeptFocus(): { onFocus(): void; onBlur(): void } {
  const within = useRef(false);
  useEffect(() => {
    if (!within.current || document.activeElement !== document.body) return;
    within.current = false;
    document.getElementById('canvas')?.focus({ preventScroll: true });
  });
  return {
    onFocus: () => {
      within.current = true;
    },
    onBlur: () => {
      within.current = false;
    },
  };
}
