/** Chromium's own record of what a page's main thread did, put together by frames. */

export const traceCategories = ['devtools.timeline', 'disabled-by-default-devtools.timeline'] as const;

export interface FrameWork {
  /** From one animation callback to the next. */
  readonly intervalMs: number;
  /** Of it, time in which a task of the main thread was going on. */
  readonly workMs: number;
  /** Processor time that the thread itself had for these tasks. */
  readonly cpuMs: number;
}

/** As far as it is read here. Times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** Processor time. */
  readonly tdur?: number;
}

/** Every frame between the first and the last animation callback of the thread that had most of them: the page's. */
export function frameWork(trace: Buffer): FrameWork[] {
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: TraceEvent[] };
  const callbacks = traceEvents.filter(({ name }) => name === 'FireAnimationFrame');
  const counts = new Map<string, number>();
  for (const event of callbacks) counts.set(threadOf(event), (counts.get(threadOf(event)) ?? 0) + 1);
  const [page] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  if (page === undefined) throw new Error('The trace holds no frame.');
  // Several callbacks of one frame follow one another within its task.
  const starts = callbacks
    .filter((event) => threadOf(event) === page)
    .map(({ ts }) => ts)
    .sort((a, b) => a - b);
  // Tasks of the main thread are not nested in one another.
  const tasks = traceEvents.filter((event) => threadOf(event) === page && event.ph === 'X' && event.name === 'RunTask').sort((a, b) => a.ts - b.ts);
  const frames: FrameWork[] = [];
  let first = 0;
  starts.slice(1).forEach((end, index) => {
    const start = starts[index] ?? end;
    if (end - start < 1000) return;
    let [work, cpu] = [0, 0];
    while (first < tasks.length && (tasks[first]?.ts ?? 0) + (tasks[first]?.dur ?? 0) <= start) first++;
    for (let at = first; at < tasks.length; at++) {
      const { ts = 0, dur = 0, tdur = dur } = tasks[at] ?? {};
      if (ts >= end) break;
      const within = Math.max(0, Math.min(end, ts + dur) - Math.max(start, ts));
      work += within;
      // A task that two frames share gives each its part.
      cpu += dur === 0 ? 0 : (tdur * within) / dur;
    }
    frames.push({ intervalMs: (end - start) / 1000, workMs: work / 1000, cpuMs: cpu / 1000 });
  });
  return frames;
}

function threadOf({ pid, tid }: TraceEvent): string {
  return `${pid}:${tid}`;
}
