import type { JobSnapshot, Picture } from '../../../shared/job.ts';
import { previewsByStep } from './lookBack.ts';

/** What the canvas shows. */
export interface ShownFrame {
  readonly src: string;
  /** Frames of one job replace each other without a gap. */
  readonly stream: string;
  /** The finished step it belongs to, 1-based; null: the result. */
  readonly step: number | null;
}

export function shownFrame(job: JobSnapshot | null, picture: Picture | null, lookStep: number | null): ShownFrame | null {
  if (lookStep === null && picture !== null) return { src: picture.url, stream: picture.jobId, step: null };
  if (job === null) return null;
  const previews = previewsByStep(job.previews);
  const from = lookStep ?? job.steps.length;
  for (let index = from; index >= 0; index--) {
    const preview = previews.get(index);
    if (preview !== undefined) return { src: preview.url, stream: job.jobId, step: index + 1 };
  }
  return null;
}
