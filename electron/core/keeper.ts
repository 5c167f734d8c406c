import { StopbathError } from '../../shared/errors.ts';
import type { ProviderId } from '../../shared/generation.ts';
import type { JobSnapshot, Picture } from '../../shared/job.ts';
import type { EngineHost, EngineTask } from './engineTask.ts';
import type { Inputs } from './inputs.ts';
import type { Library } from './library.ts';
import type { Models } from './models/models.ts';
import { partialDrafts } from './pictureDraft.ts';
import type { PictureDraft } from './pictureFile.ts';
import type { Runs } from './runs/runStore.ts';
import { decodeFailed } from './startedJob.ts';
import { requestAsRun } from './steeringLog.ts';

export interface KeeperOptions {
  readonly engine: EngineHost;
  readonly inputs: Inputs;
  readonly library: Library;
  readonly models: Models;
  readonly runs: Runs;
  /** Waits until the engine is free. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onKept: (jobId: string, pictures: Picture[]) => void;
}

/** Brings into the library what runs leave: the pictures of those that end well, and on demand what the others had reached. */
export interface Keeper {
  canKeep(jobId: string): boolean;
  /** Finished pictures that the disk did not take: {@link keep} saves them, nothing has to be drawn again. */
  holds(jobId: string): boolean;
  /** Decodes the last clean estimates if need be, and saves them. Asked twice at once it saves once. */
  keep(job: JobSnapshot): Promise<Picture[]>;
  /**
   * Saves decoded pictures. @throws StopbathError when the disk does not take one; those that are not saved then are held,
   * and {@link keep} saves them.
   */
  save(jobId: string, drafts: readonly PictureDraft[]): Promise<Picture[]>;
  ranOn(jobId: string, provider: ProviderId | null): void;
  drop(jobId: string): void;
}

/** A run's pictures on their way to the disk. */
interface Held {
  readonly saved: Picture[];
  readonly drafts: PictureDraft[];
}

export function createKeeper(options: KeeperOptions): Keeper {
  const held = new Map<string, Held>();
  const providers = new Map<string, ProviderId>();
  const keeping = new Map<string, Promise<Picture[]>>();

  const decode = async (job: JobSnapshot): Promise<PictureDraft[]> => {
    const { jobId, request, trace } = job;
    const { engine, inputs, models, runs } = options;
    const checkpoint = await runs.checkpoint(jobId);
    if (checkpoint === null) {
      throw new StopbathError({ code: 'NOT_FOUND', message: 'Nothing of this run is left to keep.' });
    }
    const entry = models.get(request.modelId);
    const asRun = requestAsRun(checkpoint);
    const task = async (): Promise<EngineTask> => ({
      kind: 'decode',
      jobId,
      latents: checkpoint.cleanEstimate,
      request: asRun,
      inputs: await inputs.load(asRun),
      ...(await models.use(asRun)),
      ...(decodeFailed(job, checkpoint) ? { provider: 'cpu' } : {}),
    });
    const end = await engine.run(jobId, task(), () => undefined);
    if (end.kind === 'failed') throw new StopbathError(end.failure);
    if (end.kind !== 'decoded') {
      throw new StopbathError({ code: 'INTERNAL', message: 'The picture was not decoded.', nextStep: 'Keep it again.' });
    }
    const provider = providers.get(jobId) ?? engine.status().provider ?? 'cpu';
    return partialDrafts(jobId, entry, { ...checkpoint, request: asRun }, end.images, { trace, provider });
  };

  const saveHeld = async (jobId: string, { saved, drafts }: Held): Promise<Picture[]> => {
    for (let draft = drafts[0]; draft !== undefined; draft = drafts[0]) {
      saved.push(await options.library.add(draft));
      drafts.shift();
    }
    held.delete(jobId);
    return [...saved];
  };

  const hold = (jobId: string, drafts: readonly PictureDraft[]): Held => {
    const fresh: Held = { saved: [], drafts: [...drafts] };
    held.set(jobId, fresh);
    return fresh;
  };

  const keep = async (job: JobSnapshot): Promise<Picture[]> => {
    const { jobId } = job;
    const waiting = held.get(jobId) ?? hold(jobId, await options.inTurn(() => decode(job)));
    const pictures = await saveHeld(jobId, waiting);
    options.onKept(jobId, pictures);
    return pictures;
  };

  return {
    canKeep: (jobId) => held.has(jobId) || options.runs.has(jobId),
    holds: (jobId) => held.has(jobId),
    keep: (job) => {
      const running = keeping.get(job.jobId);
      if (running !== undefined) return running;
      const started = keep(job).finally(() => keeping.delete(job.jobId));
      keeping.set(job.jobId, started);
      return started;
    },
    // Held before they are saved: a full disk must not cost a picture.
    save: (jobId, drafts) => saveHeld(jobId, hold(jobId, drafts)),
    ranOn: (jobId, provider) => {
      if (provider !== null) providers.set(jobId, provider);
    },
    drop: (jobId) => {
      held.delete(jobId);
      providers.delete(jobId);
    },
  };
}
