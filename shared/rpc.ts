import type { z } from 'zod';
import { calls, type CallInput, type CallName, type CallOutput, type Calls, type EventName, type EventValue } from './contract.ts';
import { StopbathError, toFailure, type Failure } from './errors.ts';

/** Two ends that can send JSON values to each other in order: a MessagePort, a WebSocket, a pair in a test. */
export interface Pipe {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
}

type Answer = { id: number; ok: true; value: unknown } | { id: number; ok: false; failure: Failure };

/** What a handler gets: the input after it was checked, with its defaults. */
export type CheckedInput<N extends CallName> = z.output<Calls[N]['input']>;

export type Handlers = { [N in CallName]: (input: CheckedInput<N>) => CallOutput<N> | Promise<CallOutput<N>> };

export type EventListener = <N extends EventName>(name: N, value: EventValue<N>) => void;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/**
 * Answers the calls that arrive on a pipe. Names and inputs are checked: an unknown name or a bad value is answered
 * with `INVALID_INPUT` and never reaches a handler; a message that is no call is dropped.
 */
export function serveCalls(pipe: Pipe, handlers: Handlers): void {
  pipe.onMessage((message) => {
    if (!isRecord(message) || typeof message['id'] !== 'number' || typeof message['call'] !== 'string') return;
    const id = message['id'];
    void answer(message['call'], message['input'], handlers).then(
      (value) => pipe.send({ id, ok: true, value } satisfies Answer),
      (error: unknown) => pipe.send({ id, ok: false, failure: toFailure(error) } satisfies Answer),
    );
  });
}

async function answer(name: string, input: unknown, handlers: Handlers): Promise<unknown> {
  if (!Object.hasOwn(calls, name)) {
    throw new StopbathError({ code: 'INVALID_INPUT', message: `There is no call named ${JSON.stringify(name)}.` });
  }
  const callName = name as CallName;
  const parsed = calls[callName].input.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    // The form knows fields by their own name, not by their place in the call.
    const path = (issue?.path ?? []).filter((part) => part !== 'request');
    const field = path.join('.');
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `${field === '' ? callName : field}: ${issue?.message ?? 'is not valid'}`,
      ...(field === '' ? {} : { field }),
    });
  }
  const handler = handlers[callName] as (value: unknown) => unknown;
  return await handler(parsed.data);
}

/** Sends an event down a pipe; the other end's {@link connectCalls} hands it to its listeners. */
export function sendEvent<N extends EventName>(pipe: Pipe, name: N, value: EventValue<N>): void {
  pipe.send({ event: name, value });
}

/** The calling end of a pipe. */
export interface Connection {
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  onEvent(listener: EventListener): () => void;
}

export function connectCalls(pipe: Pipe): Connection {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const listeners = new Set<EventListener>();
  let nextId = 1;
  let closed = false;

  pipe.onMessage((message) => {
    if (!isRecord(message)) return;
    if (typeof message['event'] === 'string') {
      for (const listener of listeners) listener(message['event'] as EventName, message['value'] as never);
      return;
    }
    if (typeof message['id'] !== 'number') return;
    const pending = waiting.get(message['id']);
    if (pending === undefined) return;
    waiting.delete(message['id']);
    const reply = message as unknown as Answer;
    if (reply.ok) pending.resolve(reply.value);
    else pending.reject(new StopbathError(reply.failure));
  });
  pipe.onClose(() => {
    closed = true;
    for (const { reject } of waiting.values()) reject(connectionLost());
    waiting.clear();
  });

  return {
    call: <N extends CallName>(name: N, input: CallInput<N>) =>
      new Promise<CallOutput<N>>((resolve, reject) => {
        if (closed) {
          reject(connectionLost());
          return;
        }
        const id = nextId++;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        pipe.send({ id, call: name, input });
      }),
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function connectionLost(): StopbathError {
  return new StopbathError({
    code: 'INTERNAL',
    message: 'The connection to the app was lost.',
    nextStep: 'Start Stopbath again, then reload this page.',
  });
}
