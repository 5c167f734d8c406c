import type { Settings } from '../../shared/contract.ts';
import { toFailure, type Failure } from '../../shared/errors.ts';
import type { JobEvent, JobSnapshot } from '../../shared/job.ts';
import type { EngineHost, EngineProgress, EngineTask, EngineTaskEnd } from './engineTask.ts';
import type { Inputs } from './inputs.ts';
import type { JobTable } from './jobTable.ts';
import type { Keeper } from './keeper.ts';
import type { Models } from './models/models.ts';
import { completeDrafts } from './pictureDraft.ts';
import type { Previews } from './previews.ts';
import type { Runs } from './runs/runStore.ts';
import { requestAsRun, requestToGoOn } from './steeringLog.ts';

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

export interface RunOptions {
  /** All but the last decode was done before, and that failed: this time on the device that always has room. */
  readonly decodeOnCpu: boolean;
}

/**
 * Runs one job in the engine, from its newest checkpoint if it has one; its progress goes to the table, the event of its end is
 * the result. Never rejects.
 */
export function createJobRunner(options: JobRunnerOptions): (job: JobSnapshot, run: RunOptions) => Promise<JobEvent> {
  const { engine, inputs, keeper, models, previews, runs, table } = options;

  const prepare = async (job: JobSnapshot, { decodeOnCpu }: RunOptions): Promise<EngineTask> => {
    const { previewMode } = options.settings();
    const { jobId, paceMs } = job;
    const from = await runs.checkpoint(jobId);
    const request = from === null ? requestAsRun(job) : requestToGoOn(job, from);
    return {
      kind: 'generate',
      jobId,
      request,
      inputs: await inputs.load(request),
      ...(await models.use(request)),
      ...(decodeOnCpu ? { provider: 'cpu' } : {}),
      previewMode,
      paceMs,
      ...(from === null ? {} : { from }),
    };
  };

  const run = async (job: JobSnapshot, runOptions: RunOptions): Promise<EngineTaskEnd> => {
    const { jobId } = job;
    const end = engine.run(jobId, prepare(job, runOptions), progress);
    const { breakpoints } = job;
    if (breakpoints.length > 0) engine.control({ kind: 'breakpoints', jobId, breakpoints });
    return await end;
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
      case 'paused':
        table.apply(message);
        // It may wait for days.
        void runs.rest(jobId);
        return;
      default:
        table.apply(message);
    }
  };

  const ended = async (jobId: string, end: EngineTaskEnd): Promise<JobEvent> => {
    const job = table.get(jobId);
    switch (end.kind) {
      case 'finished': {
        const drafts = completeDrafts(jobId, requestAsRun(job), models.get(job.request.modelId), end);
        const pictures = await keeper.save(jobId, drafts);
        keeper.drop(jobId);
        return { kind: 'finished', jobId, trace: end.trace, pictures };
      }
      case 'stopped':
      case 'abandoned': {
        const trace = end.kind === 'stopped' ? end.trace : null;
        const stepsDone = trace?.stepsDone ?? job.steps.length;
        const hard = end.kind === 'abandoned' && end.hard;
        return stoppedEvent(job, { hard, keepable: keeper.canKeep(jobId), stepsDone, trace });
      }
      case 'failed':
        return failed(jobId, end.failure);
      case 'decoded':
        throw new Error('The engine answered a generate with a decode.');
    }
  };

  const failed = (jobId: string, failure: Failure): JobEvent => {
    const stepsDone = table.get(jobId).steps.length;
    return { kind: 'failed', jobId, failure, stepsDone, keepable: keeper.canKeep(jobId) };
  };

  return async (job, runOptions) => {
    try {
      return await ended(job.jobId, await run(job, runOptions));
    } catch (error) {
      return failed(job.jobId, toFailure(error));
    }
  };
}

type StoppedFacts = Pick<Extract<JobEvent, { kind: 'stopped' }>, 'hard' | 'keepable' | 'stepsDone' | 'trace'>;

export function stoppedEvent({ jobId, numTimesteps, request }: JobSnapshot, facts: StoppedFacts): JobEvent {
  const planned = facts.trace?.numTimesteps ?? numTimesteps ?? request.steps;
  return { kind: 'stopped', jobId, numTimesteps: planned, ...facts };
}
