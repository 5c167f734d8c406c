import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { JobSnapshot, Picture } from '../../../shared/job.ts';
import { activeJob, jobsStore } from './jobs.ts';
import { shownJob, shownPicture, viewStore, type ViewState } from './view.ts';

/** What the canvas is turned to: a glance at a step, which comes with every move of the pointer, is no turn. */
function useTurn(): Pick<ViewState, 'target' | 'lastJobId' | 'shownBatchIndex'> {
  return useStore(
    viewStore,
    useShallow(({ target, lastJobId, shownBatchIndex }) => ({ target, lastJobId, shownBatchIndex })),
  );
}

/** The job in the canvas; re-renders whenever it changes. */
export function useShownJob(): JobSnapshot | null {
  const view = useTurn();
  return useStore(jobsStore, (jobs) => shownJob(view, jobs));
}

/** Re-renders only when that changes. */
export function useIsShown(jobId: string): boolean {
  const view = useTurn();
  return useStore(jobsStore, (jobs) => shownJob(view, jobs)?.jobId === jobId);
}

export function useShownPicture(): Picture | null {
  const view = useTurn();
  return useStore(jobsStore, (jobs) => shownPicture(view, shownJob(view, jobs)));
}

/** Whether a job's clean estimate is being kept, and whether that has to wait for another run to end. */
export function useKeeping(jobId: string): { readonly keeping: boolean; readonly waiting: boolean } {
  const keeping = useStore(jobsStore, (jobs) => jobs.extras[jobId]?.keeping === true);
  const busy = useStore(jobsStore, (jobs) => activeJob(jobs) !== null);
  return { keeping, waiting: keeping && busy };
}
