import type { Model } from '../../../shared/models.ts';
import { parseGenerationRequest, type GenerationRequest } from '../../../shared/generation.ts';
import type { JobEvent, Picture, StepRecord } from '../../../shared/job.ts';

export const model: Model = {
  id: 'starter',
  name: 'Starter',
  description: '',
  builtIn: true,
  origin: 'built-in',
  family: 'sd',
  tasks: ['text-to-image', 'image-to-image', 'inpaint'],
  width: 128,
  height: 128,
  sizeMultiple: 8,
  minSide: 64,
  maxSide: 256,
  steps: 20,
  guidanceScale: 4,
  scheduler: 'ddim',
  examplePrompts: ['a red house'],
  takesLoras: false,
  path: null,
  isOwn: false,
  bytes: 20_000_000,
  hash: null,
  repo: null,
  predictionType: 'epsilon',
  uncertain: [],
  graphs: null,
  problem: null,
};

export const request: GenerationRequest = parseGenerationRequest({
  task: 'text-to-image',
  modelId: 'starter',
  prompt: 'a red house',
  negativePrompt: null,
  width: 128,
  height: 128,
  steps: 20,
  guidanceScale: 4,
  guidanceEnd: { kind: 'never' },
  scheduler: 'ddim',
  seed: '7',
});

export function step(stepIndex: number, change: Partial<StepRecord> = {}): StepRecord {
  return {
    stepIndex,
    numTimesteps: 20,
    timestep: 1000 - stepIndex,
    sigma: 1,
    guidanceScale: 4,
    guided: true,
    unetEvaluations: 2,
    ms: 100,
    estimateChange: null,
    guidanceDistance: null,
    guidanceCosine: null,
    reused: 'none',
    ...change,
  };
}

export function queued(jobId: string, change: Partial<GenerationRequest> = {}): JobEvent {
  return { jobId, kind: 'queued', request: { ...request, ...change }, position: 0 };
}

export function stepDone(jobId: string, stepIndex: number, change: Partial<StepRecord> = {}): JobEvent {
  return { jobId, kind: 'step', step: step(stepIndex, change) };
}

export function preview(jobId: string, stepIndex: number, source: 'linear' | 'decoder' = 'linear'): JobEvent {
  return { jobId, kind: 'preview', preview: { stepIndex, width: 16, height: 16, url: `/runs/${jobId}/${String(stepIndex)}.png?${source}`, source, region: null } };
}

export function picture(id: string, change: Partial<Picture> = {}): Picture {
  return {
    id,
    jobId: `job-${id}`,
    createdAt: '2026-01-01T00:00:00.000Z',
    width: 128,
    height: 128,
    url: `/pictures/${id}.png`,
    fileName: `${id}.png`,
    completeness: 'complete',
    request,
    batchIndex: 0,
    modelName: 'Starter',
    stepsDone: 20,
    numTimesteps: 20,
    unetEvaluationsTotal: 40,
    unetEvaluationsSaved: 0,
    provider: 'cpu',
    seconds: 2,
    ...change,
  };
}
