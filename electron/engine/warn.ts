import type { EngineMessage } from '../../shared/engineProtocol.ts';
import { maxWarningLength, type RunWarning } from '../../shared/runWarning.ts';

/** Told what of a run was not done as asked. The run goes on. */
export type Warn = (warning: RunWarning) => void;

/** Warnings of a job for the person who asked for it, and for the log. */
export function warnPerson(jobId: string, emit: (message: EngineMessage) => void, log: (text: string) => void): Warn {
  return ({ code, message, nextStep }) => {
    log(nextStep === undefined ? message : `${message} ${nextStep}`);
    emit({ kind: 'warning', jobId, code, message: shortened(message), ...(nextStep === undefined ? {} : { nextStep: shortened(nextStep) }) });
  };
}

function shortened(text: string): string {
  return text.length <= maxWarningLength ? text : `${text.slice(0, maxWarningLength - 1)}…`;
}
