import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import { StopbathError, type Failure } from '../../shared/errors.ts';
import type { TokenCount } from '../../shared/job.ts';
import type { TokenQuestion } from './engineTask.ts';

/**
 * Questions about tokens on their way to the engine and back: one is with it, at most one waits. They are asked at every
 * pause in typing, so a newer one takes the place of the one that waits.
 */
export interface TokenCounts {
  ask(question: TokenQuestion): Promise<readonly TokenCount[]>;
  /** The process can be written to now. */
  sendWaiting(): void;
  answer(message: Extract<EngineMessage, { kind: 'tokens' | 'tokens-failed' }>): void;
  /** The process is gone, and whatever it was asked with it. */
  drop(failure: Failure): void;
}

export interface TokenCountsOptions {
  /** From the question to its answer, the wait included. */
  readonly patienceMs: number;
  /** @returns false when no process takes it now. */
  readonly send: (command: Extract<EngineCommand, { kind: 'count-tokens' }>) => boolean;
}

interface Asked {
  readonly requestId: string;
  readonly question: TokenQuestion;
  readonly resolve: (counts: readonly TokenCount[]) => void;
  readonly reject: (error: StopbathError) => void;
  readonly timer: NodeJS.Timeout;
}

export function createTokenCounts({ patienceMs, send }: TokenCountsOptions): TokenCounts {
  let sent: Asked | null = null;
  let waiting: Asked | null = null;
  let number = 0;

  const refuse = (asked: Asked | null, failure: Failure): void => {
    if (asked === null) return;
    clearTimeout(asked.timer);
    asked.reject(new StopbathError(failure));
  };

  const sendWaiting = (): void => {
    if (sent !== null || waiting === null) return;
    if (!send({ kind: 'count-tokens', requestId: waiting.requestId, ...waiting.question })) return;
    sent = waiting;
    waiting = null;
  };

  const giveUp = (requestId: string): void => {
    const late = { code: 'INTERNAL', message: 'The engine is too busy to count tokens.', nextStep: 'Ask again after the run.' } as const;
    if (waiting?.requestId === requestId) {
      refuse(waiting, late);
      waiting = null;
    } else if (sent?.requestId === requestId) {
      refuse(sent, late);
      sent = null;
      sendWaiting();
    }
  };

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        refuse(waiting, { code: 'INTERNAL', message: 'A newer text is being counted instead.' });
        const requestId = `tokens-${number++}`;
        const timer = setTimeout(() => giveUp(requestId), patienceMs);
        waiting = { requestId, question, resolve, reject, timer };
        sendWaiting();
      }),
    sendWaiting,
    answer: (message) => {
      if (sent?.requestId !== message.requestId) return;
      const { timer, resolve } = sent;
      if (message.kind === 'tokens-failed') {
        refuse(sent, message.failure);
      } else {
        clearTimeout(timer);
        resolve(message.counts);
      }
      sent = null;
      sendWaiting();
    },
    drop: (failure) => {
      refuse(sent, failure);
      refuse(waiting, failure);
      sent = null;
      waiting = null;
    },
  };
}
