import type { Failure } from '../../shared/errors.ts';
import type { EngineExit } from './host.ts';

const keptLines = 50;

/** What memory shortage looks like on the engine's stderr: ONNX Runtime, its GPU arenas, DirectX, V8, the C++ runtime. */
const outOfMemory =
  /Failed to allocate memory|bfc_arena|out of memory|DXGI_ERROR_DEVICE_REMOVED|std::bad_alloc|CUDA_ERROR_OUT_OF_MEMORY/i;

/** The last lines a process wrote to stderr. */
export interface StderrTail {
  add(text: string): void;
  text(): string;
}

export function createStderrTail(): StderrTail {
  let lines: string[] = [''];
  return {
    add: (text) => {
      const parts = text.split('\n');
      lines[lines.length - 1] += parts[0] ?? '';
      lines.push(...parts.slice(1));
      // One more: the last is the line still being written.
      lines = lines.slice(-keptLines - 1);
    },
    text: () => lines.filter((line) => line !== '').slice(-keptLines).join('\n'),
  };
}

export interface ExitFacts {
  readonly exit: EngineExit;
  readonly stderr: string;
  readonly phase: 'start' | 'run';
  /** The kernel ended processes for want of memory meanwhile; null where that cannot be known. */
  readonly oomKilled: boolean | null;
}

/** Why the engine ended while nobody had asked it to. */
export function exitFailure({ exit, stderr, phase, oomKilled }: ExitFacts): Failure {
  const how = exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : exit.signal;
  const detail = stderr === '' ? `The engine ended with ${how}.` : `The engine ended with ${how}.\n${stderr}`;
  // Where the system does not say who sent a SIGKILL, want of memory is by far the likeliest.
  if ((exit.signal === 'SIGKILL' && oomKilled !== false) || outOfMemory.test(stderr)) {
    return {
      code: 'OUT_OF_MEMORY',
      message: 'There was not enough memory.',
      nextStep: 'Choose a smaller size, or close other programs.',
      detail,
    };
  }
  if (phase === 'start') {
    return {
      code: 'ENGINE_START',
      message: 'The engine could not be started.',
      nextStep: 'Look at the details; reinstalling Stopbath restores missing files.',
      detail,
    };
  }
  return {
    code: 'ENGINE_CRASH',
    message: 'The engine stopped unexpectedly; your queue is kept.',
    nextStep: 'Try again; if it happens every time, choose another device in the settings.',
    detail,
  };
}
