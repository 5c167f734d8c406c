import type { JobSnapshot, Preview } from '../../../shared/job.ts';
import { jobsStore } from './jobs.ts';
import { shownJob, viewStore } from './view.ts';

/** The best preview of each finished step, by step index. A decoded one replaces a linear one. */
export function previewsByStep(previews: readonly Preview[]): ReadonlyMap<number, Preview> {
  const byStep = new Map<number, Preview>();
  for (const preview of previews) {
    const known = byStep.get(preview.stepIndex);
    if (known === undefined || known.source === 'linear' || preview.source === 'decoder') byStep.set(preview.stepIndex, preview);
  }
  return byStep;
}

export function lookAt(stepIndex: number | null): void {
  viewStore.setState({ lookStep: stepIndex, peekStep: null });
}

/** A glance at a step; null ends it. */
export function peekAt(stepIndex: number | null): void {
  if (viewStore.getState().peekStep !== stepIndex) viewStore.setState({ peekStep: stepIndex });
}

/** One step back or on from what is shown; past the newest step it is live again. */
export function moveLook(by: -1 | 1): void {
  const job = shownJob(viewStore.getState(), jobsStore.getState());
  if (job === null || job.steps.length === 0) return;
  lookAt(nextLook(job, viewStore.getState().lookStep, by));
}

export function nextLook(job: JobSnapshot, look: number | null, by: -1 | 1): number | null {
  const last = job.steps.length - 1;
  if (look === null) {
    if (by === 1) return null;
    // Live shows the newest step already; a result is one beyond it.
    return job.pictures.length === 0 ? Math.max(0, last - 1) : last;
  }
  const next = look + by;
  return next > last ? null : Math.max(0, next);
}
