import { StopbathError } from '../../shared/errors.ts';
import type { ProviderId } from '../../shared/generation.ts';
import type { JobSnapshot, Picture } from '../../shared/job.ts';
import type { Settings } from '../../shared/contract.ts';
import type { EngineHost } from './engineTask.ts';
import type { Library } from './library.ts';
import type { Models } from './models.ts';
import { partialDraft } from './pictureDraft.ts';
import type { PictureDraft } from './pictureFile.ts';
import type { Runs } from './runs.ts';

export interface KeeperOptions {
  readonly engine: EngineHost;
  readonly library: Library;
  readonly models: Models;
  readonly runs: Runs;
  readonly settings: () => Settings;
  /** Waits until the engine is free. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onKept: (jobId: string, picture: Picture) => void;
}

/** Brings into the library what a run left that did not end there by itself. */
export interface Keeper {
  canKeep(jobId: string): Promise<boolean>;
  /** Decodes the last clean estimate if need be, and saves it. Asked twice at once it saves once. */
  keep(job: JobSnapshot): Promise<Picture>;
  /** A decoded picture that the disk did not take. */
  hold(jobId: string, draft: PictureDraft): void;
  ranOn(jobId: string, provider: ProviderId | null): void;
  drop(jobId: string): void;
}

export function createKeeper(options: KeeperOptions): Keeper {
  const drafts = new Map<string, PictureDraft>();
  const providers = new Map<string, ProviderId>();
  const keeping = new Map<string, Promise<Picture>>();

  const decode = async ({ jobId, request, trace }: JobSnapshot): Promise<PictureDraft> => {
    const { engine, models, runs, settings } = options;
    const checkpoint = await runs.checkpoint(jobId);
    if (checkpoint === null) {
      throw new StopbathError({ code: 'NOT_FOUND', message: 'Nothing of this run is left to keep.' });
    }
    const entry = models.get(request.modelId);
    const end = await engine.run(
      { kind: 'decode', jobId, latents: checkpoint.cleanEstimate, modelFolder: entry.folder, provider: settings().provider },
      () => undefined,
    );
    if (end.kind === 'failed') throw new StopbathError(end.failure);
    if (end.kind !== 'decoded') {
      throw new StopbathError({ code: 'INTERNAL', message: 'The picture was not decoded.', nextStep: 'Keep it again.' });
    }
    const provider = providers.get(jobId) ?? engine.status().provider ?? 'cpu';
    return partialDraft(jobId, entry, checkpoint, end.image, { trace, provider });
  };

  const keep = async (job: JobSnapshot): Promise<Picture> => {
    const draft = drafts.get(job.jobId) ?? (await options.inTurn(() => decode(job)));
    drafts.set(job.jobId, draft);
    const picture = await options.library.add(draft);
    drafts.delete(job.jobId);
    await options.runs.drop(job.jobId);
    options.onKept(job.jobId, picture);
    return picture;
  };

  return {
    canKeep: async (jobId) => drafts.has(jobId) || (await options.runs.checkpoint(jobId)) !== null,
    keep: (job) => {
      const running = keeping.get(job.jobId);
      if (running !== undefined) return running;
      const started = keep(job).finally(() => keeping.delete(job.jobId));
      keeping.set(job.jobId, started);
      return started;
    },
    hold: (jobId, draft) => {
      drafts.set(jobId, draft);
    },
    ranOn: (jobId, provider) => {
      if (provider !== null) providers.set(jobId, provider);
    },
    drop: (jobId) => {
      drafts.delete(jobId);
      providers.delete(jobId);
    },
  };
}
