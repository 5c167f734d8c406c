import type { RunOptions } from './jobRunner.ts';

/** What is known of a job beside its snapshot. */
export interface JobNote extends RunOptions {
  /** When it was put in the queue, milliseconds since 1970. */
  readonly at: number;
}

export interface JobNotes {
  /** Of a job nobody has noted yet: one that begins now. */
  of(jobId: string): JobNote;
  /** It is put in the queue now. */
  begin(jobId: string): void;
  set(jobId: string, note: JobNote): void;
  drop(jobId: string): void;
}

export function createJobNotes(): JobNotes {
  const notes = new Map<string, JobNote>();
  let lastTime = 0;

  /** No two jobs have the same time: the list of the next session is in its order. */
  const fresh = (): JobNote => {
    lastTime = Math.max(Date.now(), lastTime + 1);
    return { at: lastTime, decodeOnCpu: false };
  };

  return {
    of: (jobId) => notes.get(jobId) ?? fresh(),
    begin: (jobId) => void notes.set(jobId, fresh()),
    set: (jobId, note) => void notes.set(jobId, note),
    drop: (jobId) => void notes.delete(jobId),
  };
}
