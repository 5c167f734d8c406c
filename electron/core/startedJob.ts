import type { Checkpoint } from '../../shared/engineProtocol.ts';
import { applyJobEvent, emptySnapshot, isEnded, type JobSnapshot, type Preview } from '../../shared/job.ts';
import { previewUrl } from './runs/leftRun.ts';
import type { Fork } from './steeringLog.ts';

/**
 * A fork as it waits in the queue: with everything of its parent up to the step it goes on from.
 * @param previews those of the parent's that it has
 */
export function forkedJob(
  jobId: string,
  parent: JobSnapshot,
  { request, from }: Fork,
  paceMs: number,
  previews: readonly Pick<Preview, 'stepIndex' | 'source'>[],
): JobSnapshot {
  const stepIndex = from.stepsDone - 1;
  const empty = emptySnapshot(jobId, request, paceMs);
  const steered = from.request.steering.reduce(
    (job, { afterStep, steering }) => applyJobEvent(job, { kind: 'steered', jobId, steering, afterStep }),
    empty,
  );
  return {
    ...steered,
    parent: { jobId: parent.jobId, stepIndex },
    numTimesteps: from.numTimesteps,
    steps: [...from.steps],
    previews: parent.previews
      .filter((preview) => previews.some((own) => own.stepIndex === preview.stepIndex && own.source === preview.source))
      .map((preview) => ({ ...preview, url: previewUrl(jobId, preview.stepIndex, preview.source) })),
  };
}

/** An ended run on its way back into the queue: steps whose checkpoints are lost are made again. */
export function continuedJob(job: JobSnapshot, from: Checkpoint | null): JobSnapshot {
  const stepsDone = from?.stepsDone ?? 0;
  const isKept = ({ stepIndex }: { readonly stepIndex: number }): boolean => stepIndex < stepsDone;
  return {
    ...queuedJob(job),
    steps: from === null ? [] : [...from.steps],
    previews: job.previews.filter(isKept),
  };
}

export function queuedJob(job: JobSnapshot): JobSnapshot {
  // What was kept of it stays in the library.
  return { ...job, state: 'queued', stopping: false, failure: null, keepable: false, pictures: [], trace: null };
}

/** A run of an earlier session: one whose end nobody saw is stopped, and can go on. */
export function leftJob(job: JobSnapshot, hasCheckpoint: boolean): JobSnapshot {
  if (isEnded(job.state)) return { ...job, stopping: false, keepable: job.keepable && hasCheckpoint };
  return { ...job, state: 'stopped', stopping: false, keepable: hasCheckpoint, numTimesteps: job.numTimesteps ?? job.request.steps };
}

/** Whether a failed run had only its picture left to decode, and it was not the disk that failed. */
export function decodeFailed({ failure }: Pick<JobSnapshot, 'failure'>, from: Checkpoint | null): boolean {
  const byDisk = failure?.code === 'DISK_FULL' || failure?.code === 'FILE_ACCESS';
  return failure !== null && !byDisk && from !== null && from.stepsDone === from.numTimesteps;
}
