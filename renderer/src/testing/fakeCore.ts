import type { CallInput, CallName, CallOutput } from '../../../shared/contract.ts';
import type { Connection } from '../../../shared/rpc.ts';
import { setConnection } from '../stores/core.ts';

type Answers = { [N in CallName]?: (input: CallInput<N>) => CallOutput<N> };

export interface FakeCore {
  /** Every call so far, in order. */
  readonly asked: { readonly name: CallName; readonly input: unknown }[];
}

/** Puts a connection in place that notes what it is asked and answers from a table. */
export function fakeCore(answers: Answers = {}): FakeCore {
  const asked: FakeCore['asked'] = [];
  const connection: Connection = {
    call: (name, input) => {
      asked.push({ name, input });
      const answer = answers[name];
      return answer === undefined ? Promise.reject(new Error(`No answer for ${name}`)) : Promise.resolve(answer(input));
    },
    onEvent: () => () => undefined,
  };
  setConnection(connection);
  return { asked };
}
