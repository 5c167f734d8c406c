import { StopbathError } from '../../shared/errors.ts';

export interface JobTurnsOptions {
  /** Told in the moment a job is taken out of the queue, before {@link run}. */
  readonly begin: (jobId: string) => void;
  /** The job's whole turn; it never rejects. It calls {@link JobTurns.ended} when another job may take the engine. */
  readonly run: (jobId: string) => Promise<void>;
}

/** Whose turn it is at the engine: one at a time; work that cannot wait goes before the jobs, and the jobs go in order. */
export interface JobTurns {
  readonly running: string | null;
  readonly queued: readonly string[];
  /** @returns how many go before it */
  add(jobId: string, place: 'first' | 'last'): number;
  remove(jobId: string): void;
  /** Takes the next when the engine is free. */
  pump(): void;
  /** The running job has given the engine back. */
  ended(): void;
  /** Work for the engine that goes before the waiting jobs. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Nothing begins any more. @returns the job that was running */
  close(): string | null;
}

export function createJobTurns({ begin, run }: JobTurnsOptions): JobTurns {
  const queued: string[] = [];
  const urgent: { readonly work: () => Promise<void>; readonly drop: () => void }[] = [];
  let running: string | null = null;
  let busy = false;
  let closed = false;

  const nextJob = (): (() => Promise<void>) | null => {
    const jobId = queued.shift();
    if (jobId === undefined) return null;
    running = jobId;
    begin(jobId);
    return () => run(jobId);
  };

  const pump = (): void => {
    if (busy || closed) return;
    const work = urgent.shift()?.work ?? nextJob();
    if (work === null) return;
    busy = true;
    void work().finally(() => {
      busy = false;
      pump();
    });
  };

  return {
    get running() {
      return running;
    },
    queued,
    pump,
    add: (jobId, place) => {
      if (place === 'first') queued.unshift(jobId);
      else queued.push(jobId);
      return (place === 'first' ? 0 : queued.length - 1) + (running === null ? 0 : 1);
    },
    remove: (jobId) => {
      const at = queued.indexOf(jobId);
      if (at >= 0) queued.splice(at, 1);
    },
    ended: () => {
      running = null;
    },
    inTurn: (work) =>
      new Promise((resolve, reject) => {
        const drop = (): void => reject(new StopbathError({ code: 'INTERNAL', message: 'Stopbath is closing.' }));
        if (closed) {
          drop();
          return;
        }
        urgent.push({ drop, work: () => work().then(resolve, reject) });
        pump();
      }),
    close: () => {
      closed = true;
      for (const { drop } of urgent.splice(0)) drop();
      return running;
    },
  };
}
