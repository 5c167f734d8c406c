/** A file of a run as the limit sees it. */
export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

/** A run's files on disk. */
export interface StoredFiles {
  readonly jobId: string;
  readonly isRunning: boolean;
  /** Stopped or failed, or the app ended under it: it can go on from its newest checkpoint. */
  readonly isUnfinished: boolean;
  /** By step, ascending. */
  readonly checkpoints: readonly StoredFile[];
  readonly previews: readonly StoredFile[];
}

/**
 * The files that have to go, in the order in which they are missed least: the steps of ended runs, the oldest run first, but
 * for the newest step of one that can go on; their previews; the running one's earlier steps; at last the newest steps of
 * unfinished runs. The running one's newest checkpoint always stays.
 * @param runs oldest first
 */
export function excess(runs: readonly StoredFiles[], limitBytes: number): { readonly jobId: string; readonly name: string }[] {
  const filesOf = (pick: (run: StoredFiles) => readonly StoredFile[]): { jobId: string; name: string; bytes: number }[] =>
    runs.flatMap((run) => pick(run).map((file) => ({ jobId: run.jobId, ...file })));
  const all = filesOf((run) => [...run.checkpoints, ...run.previews]);
  const order = [
    ...filesOf(({ isRunning, isUnfinished, checkpoints }) => (isRunning ? [] : isUnfinished ? checkpoints.slice(0, -1) : checkpoints)),
    ...filesOf(({ isRunning, previews }) => (isRunning ? [] : previews)),
    ...filesOf(({ isRunning, checkpoints }) => (isRunning ? checkpoints.slice(0, -1) : [])),
    ...filesOf(({ isRunning, isUnfinished, checkpoints }) => (!isRunning && isUnfinished ? checkpoints.slice(-1) : [])),
  ];
  let bytes = all.reduce((sum, file) => sum + file.bytes, 0);
  const gone: { jobId: string; name: string }[] = [];
  for (const { jobId, name, bytes: freed } of order) {
    if (bytes <= limitBytes) break;
    gone.push({ jobId, name });
    bytes -= freed;
  }
  return gone;
}
