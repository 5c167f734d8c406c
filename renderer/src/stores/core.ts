import type { CallInput, CallName, CallOutput } from '../../../shared/contract.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { Connection } from '../../../shared/rpc.ts';

let current: Connection | null = null;

/** The connection that {@link callCore} uses from now on. */
export function setConnection(connection: Connection | null): void {
  current = connection;
}

/** Calls the core. Without a connection the call fails at once, with the error a lost connection gives. */
export async function callCore<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  if (current === null) {
    throw new StopbathError({
      code: 'INTERNAL',
      message: 'There is no connection to the app.',
      nextStep: 'Wait for the connection to come back, then try again.',
    });
  }
  return await current.call(name, input);
}
