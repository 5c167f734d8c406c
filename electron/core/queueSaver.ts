import { toFailure, type Failure } from '../../shared/errors.ts';
import { saveFailure } from './files.ts';
import type { JobTable } from './jobTable.ts';
import type { JobTurns } from './jobTurns.ts';
import type { QueueFile, StoredJob, StoredQueue } from './queueFile.ts';

export interface QueueSaverOptions {
  readonly queueFile: QueueFile;
  readonly table: JobTable;
  readonly turns: JobTurns;
  readonly onNotice: (failure: Failure) => void;
}

/** Keeps the file of the queue in step with the queue. */
export interface QueueSaver {
  /** Resolves when it is saved, or cannot be; never rejects. That it cannot be is told once. */
  save(): Promise<void>;
  /** Saves a last time: from here on the file keeps saying what was running, and the next session takes it up. */
  close(): Promise<void>;
}

export function createQueueSaver({ queueFile, table, turns, onNotice }: QueueSaverOptions): QueueSaver {
  let isClosed = false;
  let isProblemTold = false;

  const stored = (jobId: string): StoredJob => {
    const { request, breakpoints } = table.get(jobId);
    return { jobId, request, breakpoints };
  };
  const current = (): StoredQueue => {
    const { queued, running } = turns;
    return { queued: queued.map(stored), interrupted: running === null ? [] : [stored(running)] };
  };

  return {
    save: async () => {
      if (isClosed) return;
      try {
        await queueFile.save(current);
      } catch (error) {
        if (isProblemTold) return;
        isProblemTold = true;
        onNotice(toFailure(saveFailure(error, 'the queue')));
      }
    },
    close: async () => {
      isClosed = true;
      await queueFile.save(current).catch(() => undefined);
    },
  };
}
