import { expect, it } from 'vitest';
import { type Model, modelSchema } from '../../shared/models.ts';
import { completeDrafts, partialDrafts } from './pictureDraft.ts';
import { checkpointAfter, runRequest, stepRecord } from './runs/testing/checkpoints.ts';

const model: Model = modelSchema.parse({
  id: 'own', name: 'Own', description: '', builtIn: false, origin: 'checkpoint', family: 'sd', tasks: ['text-to-image'],
  width: 128, height: 128, sizeMultiple: 8, minSide: 64, maxSide: 256, steps: 20, guidanceScale: 4, scheduler: 'ddim', examplePrompts: [],
  takesLoras: true, path: null, isOwn: false, bytes: 1, hash: null, repo: null, predictionType: null, uncertain: [], graphs: null, problem: null,
});
const entry = { model, folder: '/models/own', hash: null };
const image = { width: 1, height: 1, rgb: new Uint8Array(3) };
const steps = [stepRecord(0), ...[1, 2].map((index) => ({ ...stepRecord(index), reused: 'features' as const, unetEvaluations: 0 })), stepRecord(3)];

it('a picture says what the outermost layers alone were run for, and calls none of it saved', () => {
  const [partial] = partialDrafts('j', entry, checkpointAfter(4, { steps }), [image], { trace: null, provider: 'cpu' });
  expect(partial?.facts).toMatchObject({ unetEvaluationsTotal: 4, unetEvaluationsShallow: 4, unetEvaluationsSaved: 0 });
  const timingsMs = { load: 0, textEncode: 0, denoise: 0, sessionRun: 0, preview: 0, decode: 0, total: 1000 };
  const trace = { status: 'finished' as const, numTimesteps: 4, stepsDone: 4, steps, unetEvaluationsTotal: 4, unetEvaluationsSaved: 0, provider: 'cpu' as const, seed: '1', timingsMs };
  const [complete] = completeDrafts('j', runRequest, entry, { images: [image], trace });
  expect(complete?.facts).toMatchObject({ unetEvaluationsTotal: 4, unetEvaluationsShallow: 4, unetEvaluationsSaved: 0 });
});

it('and nothing where there were none', () => {
  const [partial] = partialDrafts('j', entry, checkpointAfter(4), [image], { trace: null, provider: 'cpu' });
  expect(partial?.facts).toMatchObject({ unetEvaluationsTotal: 8, unetEvaluationsSaved: 0 });
  expect(partial?.facts).not.toHaveProperty('unetEvaluationsShallow');
});
