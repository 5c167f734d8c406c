import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import { isEnded } from '../../../../shared/job.ts';
import { useShownJob, useShownPicture } from '../../stores/useShown.ts';
import { viewStore } from '../../stores/view.ts';
import styles from './Dock.module.css';
import { FailedDock } from './FailedDock.tsx';
import { ResultDock } from './ResultDock.tsx';
import { RunningDock } from './RunningDock.tsx';
import { StoppedDock } from './StoppedDock.tsx';

/** Under the canvas: the run's numbers and what can be done now. Two rows in every state, so that the picture never jumps. */
export function Dock() {
  const turnedToPicture = useStore(viewStore, (view) => view.target.kind === 'picture');
  const job = useShownJob();
  const picture = useShownPicture();
  const keepFocus = useKeptFocus();
  if (picture !== null) {
    return (
      <div className={styles.dock} {...keepFocus}>
        <ResultDock picture={picture} />
      </div>
    );
  }
  if (job === null || turnedToPicture) return null;
  return (
    <div className={styles.dock} {...keepFocus}>
      {job.state === 'failed' ? <FailedDock job={job} /> : null}
      {job.state === 'stopped' ? <StoppedDock job={job} /> : null}
      {isEnded(job.state) ? null : <RunningDock job={job} />}
    </div>
  );
}

/** A button that goes with its state (Delete, Dismiss) hands the focus to the canvas: on the body it would be lost. */
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
