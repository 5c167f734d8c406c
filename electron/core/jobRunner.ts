import type { Settings } from '../../shared/contract.ts';
import { toFailure, type Failure } from '../../shared/errors.ts';
import type { JobEvent, JobSnapshot } from '../../shared/job.ts';
import type { EngineHost, EngineProgress, EngineTaskEnd } from './engineTask.ts';
import type { JobTable } from './jobTable.ts';
import type { Keeper } from './keeper.ts';
import type { Library } from './library.ts';
import type { Models } from './models.ts';
import { completeDraft } from './pictureDraft.ts';
import type { Previews } from './previews.ts';
import type { Runs } from './runs.ts';

export interface JobRunnerOptions {
  readonly engine: EngineHost;
  readonly keeper: Keeper;
  readonly library: Library;
  readonly models: Models;
  readonly previews: Previews;
  readonly runs: Runs;
  readonly settings: () => Settings;
  readonly table: JobTable;
}

/** Runs one job in the engine; its progress goes to the table, the event of its end is the result. Never rejects. */
export function createJobRunner(options: JobRunnerOptions): (job: JobSnapshot) => Promise<JobEvent> {
  const { engine, keeper, library, models, previews, runs, table } = options;

  const run = async ({ jobId, request, paceMs }: JobSnapshot): Promise<EngineTaskEnd> => {
    const { previewMode, provider } = options.settings();
    const modelFolder = models.get(request.modelId).folder;
    return await engine.run(
      { kind: 'generate', jobId, request, modelFolder, provider, previewMode, paceMs },
      progress,
    );
  };

  const progress = (message: EngineProgress): void => {
    const { jobId } = message;
    switch (message.kind) {
      case 'checkpoint':
        runs.setCheckpoint(jobId, message.checkpoint);
        return;
      case 'preview': {
        const preview = previews.add(jobId, message.stepIndex, message.source, message.image);
        table.apply({ kind: 'preview', jobId, preview });
        return;
      }
      case 'step':
        keeper.ranOn(jobId, engine.status().provider);
        table.apply(message);
        return;
      default:
        table.apply(message);
    }
  };

  const ended = async (jobId: string, end: EngineTaskEnd): Promise<JobEvent> => {
    const job = table.get(jobId);
    switch (end.kind) {
      case 'finished': {
        const draft = completeDraft(jobId, job.request, models.get(job.request.modelId), end);
        // Held before it is saved: a full disk must not cost the picture.
        keeper.hold(jobId, draft);
        const picture = await library.add(draft);
        keeper.drop(jobId);
        return { kind: 'finished', jobId, trace: end.trace, picture };
      }
      case 'stopped':
      case 'abandoned': {
        const trace = end.kind === 'stopped' ? end.trace : null;
        const keepable = await keeper.canKeep(jobId);
        const stepsDone = trace?.stepsDone ?? job.steps.length;
        return stoppedEvent(job, { hard: end.kind === 'abandoned' && end.hard, keepable, stepsDone, trace });
      }
      case 'failed':
        return await failed(jobId, end.failure);
      case 'decoded':
        throw new Error('The engine answered a generate with a decode.');
    }
  };

  const failed = async (jobId: string, failure: Failure): Promise<JobEvent> => {
    const stepsDone = table.get(jobId).steps.length;
    return { kind: 'failed', jobId, failure, stepsDone, keepable: await keeper.canKeep(jobId) };
  };

  return async (job) => {
    try {
      return await ended(job.jobId, await run(job));
    } catch (error) {
      return await failed(job.jobId, toFailure(error));
    }
  };
}

type StoppedFacts = Pick<Extract<JobEvent, { kind: 'stopped' }>, 'hard' | 'keepable' | 'stepsDone' | 'trace'>;

export function stoppedEvent({ jobId, numTimesteps, request }: JobSnapshot, facts: StoppedFacts): JobEvent {
  const planned = facts.trace?.numTimesteps ?? numTimesteps ?? request.steps;
  return { kind: 'stopped', jobId, numTimesteps: planned, ...facts };
}
