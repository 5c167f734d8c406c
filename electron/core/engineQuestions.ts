import { StopbathError, type Failure } from '../../shared/errors.ts';

/** Questions on their way to the engine and back: one is with it, others wait. */
export interface Questions<Q, A> {
  ask(question: Q): Promise<A>;
  /** The process can be written to now. */
  sendWaiting(): void;
  /** Nothing happens for a question that nobody waits for any more. */
  answer(requestId: string, answer: A): void;
  refuse(requestId: string, failure: Failure): void;
  /** The process was replaced by one that hears of the question for the first time. */
  askAgain(failure: Failure): void;
  /** The process is gone, and whatever it was asked with it. */
  drop(failure: Failure): void;
}

export interface QuestionsOptions<Q> {
  readonly patienceMs: number;
  /** @returns false when no process takes it now. */
  readonly send: (requestId: string, question: Q) => boolean;
  /** Tells these questions' ids from others'. */
  readonly prefix: string;
  /** What could not be done: completes "The engine is too busy to ...". */
  readonly task: string;
  /**
   * `newest`: asked at every pause in typing, so that a newer one takes the place of the one that waits; patience counts from the question.
   * `every`: each is answered in its turn; patience counts from when the engine has it.
   */
  readonly keep?: 'newest' | 'every';
}

interface Asked<Q, A> {
  readonly requestId: string;
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: StopbathError) => void;
  timer: NodeJS.Timeout | undefined;
}

export function createQuestions<Q, A>({ patienceMs, send, prefix, task, keep = 'newest' }: QuestionsOptions<Q>): Questions<Q, A> {
  let sent: Asked<Q, A> | null = null;
  const waiting: Asked<Q, A>[] = [];
  let number = 0;

  const refuse = (asked: Asked<Q, A> | null | undefined, failure: Failure): void => {
    clearTimeout(asked?.timer);
    asked?.reject(new StopbathError(failure));
  };

  const startTimer = (asked: Asked<Q, A>): void => {
    asked.timer = setTimeout(() => giveUp(asked.requestId), patienceMs);
  };

  const sendWaiting = (): void => {
    const [next] = waiting;
    if (sent !== null || next === undefined || !send(next.requestId, next.question)) return;
    sent = next;
    waiting.shift();
    if (keep === 'every') startTimer(next);
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
    const at = waiting.findIndex((asked) => asked.requestId === requestId);
    refuse(at < 0 ? takeSent(requestId) : waiting.splice(at, 1)[0], late);
  };

  const dropWaiting = (failure: Failure): void => {
    for (const asked of waiting.splice(0)) refuse(asked, failure);
  };

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (keep === 'newest') dropWaiting({ code: 'INTERNAL', message: 'A newer question takes its place.' });
        const asked: Asked<Q, A> = { requestId: `${prefix}-${number++}`, question, resolve, reject, timer: undefined };
        if (keep === 'newest') startTimer(asked);
        waiting.push(asked);
        sendWaiting();
      }),
    sendWaiting,
    answer: (requestId, answer) => {
      const asked = takeSent(requestId);
      clearTimeout(asked?.timer);
      asked?.resolve(answer);
    },
    refuse: (requestId, failure) => refuse(takeSent(requestId), failure),
    askAgain: (failure) => {
      if (keep === 'newest') {
        dropWaiting(failure);
        refuse(sent, failure);
      } else if (sent !== null) {
        clearTimeout(sent.timer);
        waiting.unshift(sent);
      }
      sent = null;
    },
    drop: (failure) => {
      refuse(sent, failure);
      sent = null;
      dropWaiting(failure);
    },
  };
}
