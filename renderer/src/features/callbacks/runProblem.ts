import type { CallbackLine, CallbackProblem, JobSnapshot } from '../../../../shared/job.ts';
import type { FormCallback } from '../../stores/form.ts';
import type { JobsState } from '../../stores/jobs.ts';

type Written = Pick<FormCallback, 'name' | 'source'>;

/** The latest run that had this very callback and has begun with its steps, or wrote something before. */
function latestRun(jobs: Pick<JobsState, 'order' | 'byId'>, { name, source }: Written): JobSnapshot | null {
  for (const id of jobs.order.toReversed()) {
    const job = jobs.byId[id];
    if (job === undefined || (job.steps.length === 0 && job.callbackLog.length === 0)) continue;
    if (job.request.callbacks.some((callback) => callback.name === name && callback.source === source)) return job;
  }
  return null;
}

/** Why the latest run that had this very callback switched it off; null when it did not. */
export function runProblem(jobs: Pick<JobsState, 'order' | 'byId'>, callback: Written): CallbackProblem | null {
  return latestRun(jobs, callback)?.callbackProblems.find(({ name }) => name === callback.name) ?? null;
}

/** What this very callback wrote in the latest run that had it, oldest line first. */
export function runLines(jobs: Pick<JobsState, 'order' | 'byId'>, callback: Written): readonly CallbackLine[] {
  return latestRun(jobs, callback)?.callbackLog.filter(({ name }) => name === callback.name) ?? [];
}
