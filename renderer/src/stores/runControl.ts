import { isEnded, type JobSnapshot, type Steering } from '../../../shared/job.ts';
import { callCore } from './core.ts';
import { activeJob, jobsStore, noteJob } from './jobs.ts';
import { attempt, attemptWhileRunning } from './runActions.ts';
import { followRuns } from './view.ts';

/** Whether a run can wait between two of its steps: it is at its steps, or about to come to them. */
export function canPause(job: JobSnapshot | null): job is JobSnapshot {
  return job !== null && !job.stopping && (job.state === 'loading' || job.state === 'running' || job.state === 'paused');
}

function pausable(): JobSnapshot | null {
  const job = activeJob(jobsStore.getState());
  return canPause(job) ? job : null;
}

function isPausing(jobId: string): boolean {
  return jobsStore.getState().extras[jobId]?.pausing === true;
}

/** Waits after the step in progress. */
export function pauseRun(): void {
  const job = pausable();
  if (job === null || job.state === 'paused') return;
  noteJob(job.jobId, { pausing: true });
  void attemptWhileRunning(job.jobId, () => callCore('jobs.pause', { jobId: job.jobId }));
}

/** Goes on to the next breakpoint; a pause that was asked for and has not come yet is taken back. */
export function resumeRun(): void {
  const job = pausable();
  if (job === null) return;
  noteJob(job.jobId, { pausing: false });
  void attemptWhileRunning(job.jobId, () => callCore('jobs.resume', { jobId: job.jobId, steps: 'all' }));
}

export function togglePause(): void {
  const job = pausable();
  if (job === null) return;
  if (job.state === 'paused' || isPausing(job.jobId)) resumeRun();
  else pauseRun();
}

/** One step, then it waits again; of a run that goes on, the one in progress. */
export function stepRun(): void {
  const job = pausable();
  if (job === null) return;
  if (job.state !== 'paused') {
    if (!isPausing(job.jobId)) pauseRun();
    return;
  }
  // A key held down asks for one step at a time.
  if (isPausing(job.jobId)) return;
  noteJob(job.jobId, { pausing: true });
  void attemptWhileRunning(job.jobId, () => callCore('jobs.resume', { jobId: job.jobId, steps: 1 }));
}

/** A stopped or failed run goes on as itself, where it was. */
export async function continueRun(jobId: string): Promise<void> {
  const job = jobsStore.getState().byId[jobId];
  if (job === undefined || !isEnded(job.state)) return;
  followRuns();
  await attempt(() => callCore('jobs.continue', { jobId }));
}

/** A new run from the end of that step of another, which stays as it is. */
export async function forkRun(jobId: string, stepIndex: number, steering: Steering): Promise<boolean> {
  let isForked = false;
  await attempt(async () => {
    await callCore('jobs.fork', { jobId, stepIndex, steering });
    isForked = true;
  });
  if (isForked) followRuns();
  return isForked;
}

/** From the last step that a run has done to its end in so many steps. */
export async function finishIn(job: JobSnapshot, steps: number): Promise<void> {
  const last = job.steps.at(-1);
  if (last !== undefined) await forkRun(job.jobId, last.stepIndex, { tail: { steps } });
}

/** A sensible offer: about half of what is left, eight at most. */
export function shortFinish(stepsLeft: number): number {
  return Math.max(1, Math.min(8, Math.ceil(stepsLeft / 2)));
}

/** Whether a step (0-based) is done and has steps after it. Whether its checkpoint is still kept is for the core to say. */
export function canForkAt(job: JobSnapshot, stepIndex: number): boolean {
  const step = job.steps[stepIndex];
  return step !== undefined && stepIndex < step.numTimesteps - 1;
}
