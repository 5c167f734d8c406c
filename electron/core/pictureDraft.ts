import type { Checkpoint, RgbImage } from '../../shared/engineProtocol.ts';
import type { GenerationRequest, ProviderId } from '../../shared/generation.ts';
import { type RunTrace, shallowEvaluations, type StepRecord } from '../../shared/job.ts';
import type { ModelEntry } from './models/models.ts';
import type { PictureDraft } from './pictureFile.ts';

/** The pictures of a run that went to its end, one for each of its batch. */
export function completeDrafts(
  jobId: string,
  request: GenerationRequest,
  entry: ModelEntry,
  end: { readonly images: readonly RgbImage[]; readonly trace: RunTrace },
): PictureDraft[] {
  const { trace } = end;
  const { stepsDone, numTimesteps, unetEvaluationsTotal, unetEvaluationsSaved, provider } = trace;
  return end.images.map((image, batchIndex) => ({
    image,
    trace,
    modelHash: entry.hash,
    facts: {
      jobId,
      request,
      batchIndex,
      completeness: 'complete',
      modelName: entry.model.name,
      stepsDone,
      numTimesteps,
      unetEvaluationsTotal,
      unetEvaluationsSaved,
      ...shallow(trace.steps),
      provider,
      seconds: trace.timingsMs.total / 1000,
    },
  }));
}

/** The clean estimates of a run that was stopped or failed. Without a trace the checkpoint's own steps tell the story. */
export function partialDrafts(
  jobId: string,
  entry: ModelEntry,
  checkpoint: Checkpoint,
  images: readonly RgbImage[],
  run: { readonly trace: RunTrace | null; readonly provider: ProviderId },
): PictureDraft[] {
  const { request, stepsDone, numTimesteps, steps } = checkpoint;
  return images.map((image, batchIndex) => ({
    image,
    trace: run.trace,
    modelHash: entry.hash,
    facts: {
      jobId,
      request,
      batchIndex,
      completeness: 'partial',
      modelName: entry.model.name,
      stepsDone,
      numTimesteps,
      unetEvaluationsTotal: run.trace?.unetEvaluationsTotal ?? evaluations(steps),
      unetEvaluationsSaved: run.trace?.unetEvaluationsSaved ?? savedEvaluations(steps, request),
      ...shallow(steps),
      provider: run.trace?.provider ?? run.provider,
      seconds: (run.trace?.timingsMs.total ?? steps.reduce((sum, { ms }) => sum + ms, 0)) / 1000,
    },
  }));
}

function evaluations(steps: readonly StepRecord[]): number {
  return steps.reduce((sum, { unetEvaluations }) => sum + unetEvaluations, 0);
}

/** Against a run that is guided at every step it made: two forwards a step. */
function savedEvaluations(steps: readonly StepRecord[], request: GenerationRequest): number {
  return request.guidanceScale > 1 ? Math.max(0, 2 * steps.length - evaluations(steps) - shallowTotal(steps)) : 0;
}

function shallowTotal(steps: readonly StepRecord[]): number {
  return steps.reduce((sum, step) => sum + shallowEvaluations(step), 0);
}

function shallow(steps: readonly StepRecord[]): { readonly unetEvaluationsShallow?: number } {
  const total = shallowTotal(steps);
  return total === 0 ? {} : { unetEvaluationsShallow: total };
}
