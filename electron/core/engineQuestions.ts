import { StopbathError, type Failure } from '../../shared/errors.ts';

/**
 * Questions on their way to the engine and back: one is with it, at most one waits. They are asked at every pause in typing,
 * so a newer one takes the place of the one that waits.
 */
export interface Questions<Q, A> {
  ask(question: Q): Promise<A>;
  /** The process can be written to now. */
  sendWaiting(): void;
  /** Nothing happens for a question that nobody waits for any more. */
  answer(requestId: string, answer: A): void;
  refuse(requestId: string, failure: Failure): void;
  /** The process is gone, and whatever it was asked with it. */
  drop(failure: Failure): void;
}

export interface QuestionsOptions<Q> {
  /** From the question to its answer, the wait included. */
  readonly patienceMs: number;
  /** @returns false when no process takes it now. */
  readonly send: (requestId: string, question: Q) => boolean;
  /** Tells these questions' ids from others'. */
  readonly prefix: string;
  /** What could not be done: completes "The engine is too busy to ...". */
  readonly task: string;
}

interface Asked<Q, A> {
  readonly requestId: string;
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: StopbathError) => void;
  readonly timer: NodeJS.Timeout;
}

export function createQuestions<Q, A>({ patienceMs, send, prefix, task }: QuestionsOptions<Q>): Questions<Q, A> {
  let sent: Asked<Q, A> | null = null;
  let waiting: Asked<Q, A> | null = null;
  let number = 0;

  const refuse = (asked: Asked<Q, A> | null, failure: Failure): void => {
    if (asked === null) return;
    clearTimeout(asked.timer);
    asked.reject(new StopbathError(failure));
  };

  const sendWaiting = (): void => {
    if (sent !== null || waiting === null) return;
    if (!send(waiting.requestId, waiting.question)) return;
    sent = waiting;
    waiting = null;
  };

  /** The question that is with the engine, if it is that one; the next may go. */
  const takeSent = (requestId: string): Asked<Q, A> | null => {
    if (sent?.requestId !== requestId) return null;
    const asked = sent;
    sent = null;
    sendWaiting();
    return asked;
  };

  const giveUp = (requestId: string): void => {
    const late = { code: 'INTERNAL', message: `The engine is too busy to ${task}.`, nextStep: 'Ask again after the run.' } as const;
    if (waiting?.requestId === requestId) {
      refuse(waiting, late);
      waiting = null;
    } else refuse(takeSent(requestId), late);
  };

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        refuse(waiting, { code: 'INTERNAL', message: 'A newer question takes its place.' });
        const requestId = `${prefix}-${number++}`;
        const timer = setTimeout(() => giveUp(requestId), patienceMs);
        waiting = { requestId, question, resolve, reject, timer };
        sendWaiting();
      }),
    sendWaiting,
    answer: (requestId, answer) => {
      const asked = takeSent(requestId);
      clearTimeout(asked?.timer);
      asked?.resolve(answer);
    },
    refuse: (requestId, failure) => refuse(takeSent(requestId), failure),
    drop: (failure) => {
      refuse(sent, failure);
      refuse(waiting, failure);
      sent = null;
      waiting = null;
    },
  };
}
