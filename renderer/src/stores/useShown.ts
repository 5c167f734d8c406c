import { useStore } from 'zustand';
import type { JobSnapshot, Picture } from '../../../shared/job.ts';
import { activeJob, jobsStore } from './jobs.ts';
import { shownJob, shownPicture, viewStore } from './view.ts';

/** The job in the canvas; re-renders whenever it changes. */
export function useShownJob(): JobSnapshot | null {
  const view = useStore(viewStore);
  return useStore(jobsStore, (jobs) => shownJob(view, jobs));
}

/** Re-renders only when that changes. */
export function useIsShown(jobId: string): boolean {
  const view = useStore(viewStore);
  return useStore(jobsStore, (jobs) => shownJob(view, jobs)?.jobId === jobId);
}

export function useShownPicture(): Picture | null {
  const view = useStore(viewStore);
  return useStore(jobsStore, (jobs) => shownPicture(view, shownJob(view, jobs)));
}

/** Whether a job's clean estimate is being kept, and whether that has to wait for another run to end. */
export function useKeeping(jobId: string): { readonly keeping: boolean; readonly waiting: boolean } {
  const keeping = useStore(jobsStore, (jobs) => jobs.extras[jobId]?.keeping === true);
  const busy = useStore(jobsStore, (jobs) => activeJob(jobs) !== null);
  return { keeping, waiting: keeping && busy };
}
