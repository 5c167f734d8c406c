import type { Settings } from '../../shared/contract.ts';
import { toFailure, type Failure } from '../../shared/errors.ts';
import type { JobEvent, JobSnapshot } from '../../shared/job.ts';
import type { EngineHost, EngineProgress, EngineTask, EngineTaskEnd } from './engineTask.ts';
import type { Inputs } from './inputs.ts';
import type { JobTable } from './jobTable.ts';
import type { Keeper } from './keeper.ts';
import type { Models } from './models.ts';
import { completeDrafts } from './pictureDraft.ts';
import type { Previews } from './previews.ts';
import type { Runs } from './runs.ts';

export interface JobRunnerOptions {
  readonly engine: EngineHost;
  readonly inputs: Inputs;
  readonly keeper: Keeper;
  readonly models: Models;
  readonly previews: Previews;
  readonly runs: Runs;
  readonly settings: () => Settings;
  readonly table: JobTable;
}

/** Runs one job in the engine; its progress goes to the table, the event of its end is the result. Never rejects. */
export function createJobRunner(options: JobRunnerOptions): (job: JobSnapshot) => Promise<JobEvent> {
  const { engine, inputs, keeper, models, previews, runs, table } = options;

  const run = async ({ jobId, request, paceMs }: JobSnapshot): Promise<EngineTaskEnd> => {
    const { previewMode, provider } = options.settings();
    const modelFolder = models.get(request.modelId).folder;
    const task = { kind: 'generate', jobId, request, inputs: null, modelFolder, provider, previewMode, paceMs } as const;
    const withInputs = async (): Promise<EngineTask> => ({ ...task, inputs: await inputs.load(request) });
    return await engine.run(jobId, request.image === null ? task : withInputs(), progress);
  };

  const progress = (message: EngineProgress): void => {
    const { jobId } = message;
    switch (message.kind) {
      case 'checkpoint':
        runs.setCheckpoint(jobId, message.checkpoint);
        return;
      case 'preview': {
        const preview = previews.add(jobId, message.stepIndex, message.source, message.image, message.region);
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
        const drafts = completeDrafts(jobId, job.request, models.get(job.request.modelId), end);
        const pictures = await keeper.save(jobId, drafts);
        keeper.drop(jobId);
        return { kind: 'finished', jobId, trace: end.trace, pictures };
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
