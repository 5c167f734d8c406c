import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import type { Failure } from '../../shared/errors.ts';
import { createStderrTail, exitFailure } from './engineFailure.ts';
import { parseEngineMessage } from './engineMessages.ts';
import type { EngineExit, EngineProcess } from './host.ts';
import { countOomKills } from './oomKills.ts';

/** One engine process, from its start to its exit. */
export interface EngineChild {
  /** It said that it listens. */
  isReady(): boolean;
  send(command: EngineCommand): void;
  /** Kills it and forgets it before it is dead: nothing it still says counts, its exit neither. */
  discard(): void;
  /** Asks it to end, and kills it when it does not. @returns when it is gone; the exit is not told otherwise. */
  shutDown(): Promise<void>;
}

export interface EngineChildOptions {
  readonly start: () => EngineProcess;
  /** How long it may take to get ready. */
  readonly startPatienceMs: number;
  readonly onMessage: (message: EngineMessage) => void;
  /** It ended, and nobody had asked it to. */
  readonly onExit: (failure: Failure) => void;
}

/** Time to end in once asked: a native call in progress hears nothing. */
const shutDownPatienceMs = 500;

export function startEngineChild({ start, startPatienceMs, onMessage, onExit }: EngineChildOptions): EngineChild {
  const oomKillsBefore = countOomKills();
  const process = start();
  const stderr = createStderrTail();
  // Over: discarded or gone; nothing that still comes counts.
  let state: 'starting' | 'ready' | 'over' = 'starting';
  let givenUp = false;
  let onGone: (() => void) | null = null;
  const startTimer = setTimeout(() => {
    stderr.add(`No sign of life within ${startPatienceMs} ms.\n`);
    givenUp = true;
    process.kill();
  }, startPatienceMs);

  const exited = (exit: EngineExit): void => {
    clearTimeout(startTimer);
    if (state === 'over') return;
    const phase = state === 'ready' ? 'run' : 'start';
    state = 'over';
    if (onGone !== null) {
      onGone();
      return;
    }
    const now = countOomKills();
    // A kill of our own is none of the kernel's.
    const oomKilled = givenUp ? false : oomKillsBefore === null || now === null ? null : now > oomKillsBefore;
    onExit(exitFailure({ exit, stderr: stderr.text(), phase, oomKilled }));
  };

  const received = (value: unknown): void => {
    if (state === 'over') return;
    const parsed = parseEngineMessage(value);
    if ('problem' in parsed) {
      stderr.add(`The engine sent what is no message: ${parsed.problem}\n`);
      return;
    }
    if (parsed.message.kind === 'ready') {
      state = 'ready';
      clearTimeout(startTimer);
    }
    onMessage(parsed.message);
  };

  process.onStderr((text) => stderr.add(text));
  process.onMessage(received);
  process.onExit(exited);
  return {
    isReady: () => state === 'ready',
    send: (command) => process.send(command),
    discard: () => {
      state = 'over';
      clearTimeout(startTimer);
      process.kill();
    },
    shutDown: async () => {
      const gone = new Promise<void>((resolve) => {
        onGone = resolve;
      });
      process.send({ kind: 'shutdown' });
      const timer = setTimeout(() => process.kill(), shutDownPatienceMs);
      await gone;
      clearTimeout(timer);
    },
  };
}
