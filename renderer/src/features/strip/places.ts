import { isEnded, type JobSnapshot } from '../../../../shared/job.ts';
import { jobSteps } from '../../stores/stepPlan.ts';

/** Beyond this many steps the frames still to come are not drawn. */
const mostPlaces = 120;

/** How many steps to come have their place in the strip. */
export function placesToCome(job: JobSnapshot): number {
  const total = jobSteps(job);
  return isEnded(job.state) || total > mostPlaces ? 0 : Math.max(0, total - job.steps.length);
}
