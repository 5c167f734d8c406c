import type { EngineChild } from './engineChild.ts';
import type { EngineProgress, EngineTask, EngineTaskEnd, RunControl } from './engineTask.ts';

/** The task that the engine has, or is to get: what is done to it waits until it is sent. */
export interface RunningTask {
  readonly jobId: string;
  readonly onProgress: (message: EngineProgress) => void;
  /** The process was given the task. */
  readonly isSent: boolean;
  /** The process was asked to stop it. */
  readonly isStopping: boolean;
  /** It has been put together. */
  ready(task: EngineTask): void;
  /** @returns whether it was sent just now, with all that was done to it meanwhile */
  sendTo(child: EngineChild): boolean;
  control(control: RunControl, child: EngineChild | null): void;
  /** @param onSilence called when no answer comes in time */
  stop(child: EngineChild | null, patienceMs: number, onSilence: () => void): void;
  end(end: EngineTaskEnd): void;
}

export function createRunningTask(
  jobId: string,
  { onProgress, onEnd }: { readonly onProgress: (message: EngineProgress) => void; readonly onEnd: (end: EngineTaskEnd) => void },
): RunningTask {
  const controls: RunControl[] = [];
  let task: EngineTask | null = null;
  let isSent = false;
  let stopTimer: NodeJS.Timeout | null = null;
  return {
    jobId,
    onProgress,
    get isSent() {
      return isSent;
    },
    get isStopping() {
      return stopTimer !== null;
    },
    ready: (made) => {
      task = made;
    },
    sendTo: (child) => {
      if (task === null || isSent || !child.isReady()) return false;
      isSent = true;
      child.send(task);
      for (const control of controls) child.send(control);
      return true;
    },
    control: (control, child) => {
      if (isSent) child?.send(control);
      else controls.push(control);
    },
    stop: (child, patienceMs, onSilence) => {
      child?.send({ kind: 'stop', jobId });
      stopTimer = setTimeout(onSilence, patienceMs);
    },
    end: (end) => {
      if (stopTimer !== null) clearTimeout(stopTimer);
      onEnd(end);
    },
  };
}
