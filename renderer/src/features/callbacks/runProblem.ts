import type { CallbackProblem } from '../../../../shared/job.ts';
import type { FormCallback } from '../../stores/form.ts';
import type { JobsState } from '../../stores/jobs.ts';

/** Why the latest run that had this very callback switched it off; null when it did not. */
export function runProblem(jobs: Pick<JobsState, 'order' | 'byId'>, { name, source }: Pick<FormCallback, 'name' | 'source'>): CallbackProblem | null {
  for (const id of jobs.order.toReversed()) {
    const job = jobs.byId[id];
    if (job === undefined || job.steps.length === 0) continue;
    if (!job.request.callbacks.some((callback) => callback.name === name && callback.source === source)) continue;
    return job.callbackProblems.find((problem) => problem.name === name) ?? null;
  }
  return null;
}
