import type { JobSnapshot } from '../../../shared/job.ts';
import { branchChange, siblings } from '../stores/branchTree.ts';
import { jobSteps } from '../stores/stepPlan.ts';
import { steeringParts } from './steeringText.ts';
import type { Text } from './useText.ts';

/**
 * A run as one of a tree: what sets it apart from the run it branched off from; without one, its prompt.
 * @param jobs all runs that it may be akin to
 */
export function branchName(job: JobSnapshot, jobs: readonly JobSnapshot[], text: Text): string {
  const { t } = text;
  if (job.parent === null) return job.request.prompt.trim() === '' ? t('branches.root') : job.request.prompt;
  return t('branches.from', { step: job.parent.stepIndex + 1, what: changeName(job, jobs, text) });
}

/** What sets a branch apart, in a few words: first what the others that leave at the same step have not. */
export function changeName(job: JobSnapshot, jobs: readonly JobSnapshot[], text: Text): string {
  const parent = jobs.find(({ jobId }) => jobId === job.parent?.jobId) ?? null;
  const change = branchChange(job, parent);
  const parts = steeringParts(change.steering, text, 'quoted');
  if (parts.length === 0) return change.without ? text.t('branches.without') : text.t('branches.same');
  const others = siblings(jobs, job).map((sibling) => steeringParts(branchChange(sibling, parent).steering, text, 'quoted'));
  const sharedBy = (part: string): number => others.filter((theirs) => theirs.includes(part)).length;
  return [...parts].sort((a, b) => sharedBy(a) - sharedBy(b)).join(', ');
}

export function branchState(job: JobSnapshot, { t }: Text): string {
  const values = { done: job.steps.length, total: jobSteps(job) };
  if (job.state !== 'finished' && job.pictures.length > 0) return t('branches.state.kept', values);
  switch (job.state) {
    case 'running':
    case 'paused':
    case 'stopped':
    case 'failed':
      return t(`branches.state.${job.state}`, values);
    case 'queued':
    case 'loading':
    case 'decoding':
    case 'finished':
      return t(`branches.state.${job.state}`);
  }
}
