import type { CallOutput } from '../../shared/contract.ts';
import type { EngineCommand, EngineMessage, OpenedCheckpoint } from '../../shared/engineProtocol.ts';
import type { Failure } from '../../shared/errors.ts';
import type { TokenCount } from '../../shared/job.ts';
import type { Forecast } from '../../shared/models.ts';
import { createQuestions, type Questions } from './engineQuestions.ts';
import type { AdapterRead, CheckpointQuestion, EngineHostOptions, Examined, ExamineQuestion, ForecastQuestion, TokenQuestion } from './engineTask.ts';

/** What answers a question; everything else the engine says is about itself or a job. */
type AnswerMessage = Extract<EngineMessage, { readonly requestId: string }>;

/** Everything that can be asked of the engine beside its tasks. */
export interface AllQuestions {
  readonly counts: Questions<TokenQuestion, readonly TokenCount[]>;
  readonly checks: Questions<string, CallOutput<'callbacks.check'>>;
  readonly examinations: Questions<ExamineQuestion, Examined>;
  readonly checkpoints: Questions<CheckpointQuestion, OpenedCheckpoint>;
  readonly adapters: Questions<string, AdapterRead>;
  readonly forecasts: Questions<ForecastQuestion, Forecast>;
  take(message: AnswerMessage): void;
  sendWaiting(): void;
  askAgain(failure: Failure): void;
  drop(failure: Failure): void;
}

export function isAnswer(message: EngineMessage): message is AnswerMessage {
  return 'requestId' in message;
}

/** @param send passes a command on. @returns false when no process takes it now. */
export function createAllQuestions(
  { countPatienceMs, readPatienceMs }: Required<Pick<EngineHostOptions, 'countPatienceMs' | 'readPatienceMs'>>,
  send: (command: EngineCommand) => boolean,
): AllQuestions {
  const typed = { patienceMs: countPatienceMs, keep: 'newest' } as const;
  const read = { patienceMs: readPatienceMs, keep: 'every' } as const;
  const counts = createQuestions<TokenQuestion, readonly TokenCount[]>({
    ...{ ...typed, prefix: 'tokens', task: 'count tokens' },
    send: (requestId, question) => send({ kind: 'count-tokens', requestId, ...question }),
  });
  const checks = createQuestions<string, CallOutput<'callbacks.check'>>({
    ...{ ...typed, prefix: 'callback', task: 'read the callback' },
    send: (requestId, source) => send({ kind: 'check-callback', requestId, source }),
  });
  const forecasts = createQuestions<ForecastQuestion, Forecast>({
    ...{ ...typed, prefix: 'forecast', task: 'forecast the run' },
    send: (requestId, question) => send({ kind: 'forecast', requestId, ...question }),
  });
  const examinations = createQuestions<ExamineQuestion, Examined>({
    ...{ ...read, prefix: 'examine', task: 'examine the model' },
    send: (requestId, question) => send({ kind: 'examine', requestId, ...question }),
  });
  const checkpoints = createQuestions<CheckpointQuestion, OpenedCheckpoint>({
    ...{ ...read, prefix: 'checkpoint', task: 'open the model' },
    send: (requestId, question) => send({ kind: 'open-checkpoint', requestId, ...question }),
  });
  const adapters = createQuestions<string, AdapterRead>({
    ...{ ...read, prefix: 'adapter', task: 'read the file' },
    send: (requestId, file) => send({ kind: 'read-adapter', requestId, file }),
  });
  const all = [counts, checks, forecasts, examinations, checkpoints, adapters];
  return {
    ...{ counts, checks, forecasts, examinations, checkpoints, adapters },
    take: (message) => {
      const { requestId } = message;
      switch (message.kind) {
        case 'tokens':
          return counts.answer(requestId, message.counts);
        case 'callback-checked':
          return checks.answer(requestId, message.check);
        case 'forecast-made':
          return forecasts.answer(requestId, message.forecast);
        case 'examined':
          return examinations.answer(requestId, message.report);
        case 'checkpoint-opened':
          return checkpoints.answer(requestId, message.opened);
        case 'adapter-read':
          return adapters.answer(requestId, message.adapter);
        case 'tokens-failed':
        case 'question-failed':
          // Ids differ in their prefixes: only the one that asked knows this.
          for (const questions of all) questions.refuse(requestId, message.failure);
      }
    },
    sendWaiting: () => all.forEach((questions) => questions.sendWaiting()),
    askAgain: (failure) => all.forEach((questions) => questions.askAgain(failure)),
    drop: (failure) => all.forEach((questions) => questions.drop(failure)),
  };
}
