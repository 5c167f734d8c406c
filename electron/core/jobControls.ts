import { StopbathError } from '../../shared/errors.ts';
import { isEnded, type Breakpoint, type Steering } from '../../shared/job.ts';
import type { EngineHost, RunControl } from './engineTask.ts';
import { stoppedEvent } from './jobRunner.ts';
import type { JobTable } from './jobTable.ts';
import type { JobTurns } from './jobTurns.ts';
import type { QueueSaver } from './queueSaver.ts';
import type { Runs } from './runs/runStore.ts';
import { checkRoom } from './steeringLog.ts';

export interface JobControlsOptions {
  readonly engine: EngineHost;
  readonly runs: Runs;
  readonly saver: QueueSaver;
  readonly table: JobTable;
  readonly turns: JobTurns;
}

/** The controls of a job: what a person does to it while it runs, or waits to. */
export interface JobControls {
  stop(jobId: string): void;
  steer(jobId: string, steering: Steering): void;
  pause(jobId: string): void;
  resume(jobId: string, steps: 'all' | 1): void;
  breakpoints(jobId: string, breakpoints: Breakpoint[]): void;
  /** Takes a waiting job out of the queue. */
  unqueue(jobId: string): void;
}

export function createJobControls({ engine, runs, saver, table, turns }: JobControlsOptions): JobControls {
  const control = (told: RunControl): void => {
    const { jobId } = told;
    // The run may have ended while the person was still turning the knob.
    if (isEnded(table.get(jobId).state)) return;
    if (jobId === turns.running) {
      engine.control(told);
      return;
    }
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: 'This job is still waiting; only a running one can be steered.',
      nextStep: 'Wait until it has started.',
    });
  };

  const unqueue = (jobId: string): void => {
    turns.remove(jobId);
    void saver.save();
  };

  return {
    stop: (jobId) => {
      const job = table.get(jobId);
      if (isEnded(job.state)) {
        // Nothing, unless its picture is being decoded just now.
        engine.stop(jobId);
        return;
      }
      if (jobId === turns.running) {
        const { hard } = engine.stop(jobId);
        table.apply({ kind: 'stopping', jobId, hard });
        return;
      }
      unqueue(jobId);
      table.apply({ kind: 'stopping', jobId, hard: false });
      const keepable = runs.has(jobId);
      table.apply(stoppedEvent(job, { hard: false, keepable, stepsDone: job.steps.length, trace: null }));
    },
    steer: (jobId, steering) => {
      checkRoom(table.get(jobId), steering);
      control({ kind: 'steer', jobId, steering });
    },
    pause: (jobId) => control({ kind: 'pause', jobId }),
    resume: (jobId, steps) => control({ kind: 'resume', jobId, steps }),
    breakpoints: (jobId, breakpoints) => {
      table.get(jobId);
      table.apply({ kind: 'breakpoints', jobId, breakpoints });
      void saver.save();
      if (jobId === turns.running) engine.control({ kind: 'breakpoints', jobId, breakpoints });
    },
    unqueue,
  };
}
