import type { JobSnapshot } from '../../../shared/job.ts';
import { wholeLog } from '../../../shared/steeringLog.ts';
import { download } from './download.ts';
import { notify } from './notices.ts';

/** A run's log as `request.steering` takes it. */
export function logJson(job: Pick<JobSnapshot, 'request' | 'log'>): string {
  return `${JSON.stringify(wholeLog(job), null, 2)}\n`;
}

export async function copyLog(job: JobSnapshot): Promise<void> {
  try {
    await navigator.clipboard.writeText(logJson(job));
    notify('logCopied');
  } catch {
    notify('copyFailed');
  }
}

export function exportLog(job: JobSnapshot): void {
  const url = URL.createObjectURL(new Blob([logJson(job)], { type: 'application/json' }));
  download(url, `stopbath-steering-${job.jobId.slice(0, 8)}.json`);
  // After the click has been taken.
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
