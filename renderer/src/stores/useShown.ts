import { useStore } from 'zustand';
import type { JobSnapshot, Picture } from '../../../shared/job.ts';
import { jobsStore } from './jobs.ts';
import { shownJob, shownPicture, viewStore } from './view.ts';

/** The job in the canvas; re-renders whenever it changes. */
export function useShownJob(): JobSnapshot | null {
  const view = useStore(viewStore);
  return useStore(jobsStore, (jobs) => shownJob(view, jobs));
}

export function useShownPicture(): Picture | null {
  const view = useStore(viewStore);
  return useStore(jobsStore, (jobs) => shownPicture(view, shownJob(view, jobs)));
}
