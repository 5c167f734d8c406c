import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * When the engine's model calls really ended, by its own clock. Loaded by Node before the app (`callTimesEnv`), it notes in a file each call of a UNet
 * and each word that a run has stopped; the app itself knows nothing of it.
 */

const fileVariable = 'STOPBATH_BENCH_CALL_TIMES';

export interface CallTimes {
  /** Ends of UNet calls, milliseconds since 1970. */
  readonly callEnds: readonly number[];
  /** When the engine said that a run had stopped, by job. */
  readonly stoppedAt: ReadonlyMap<string, number>;
}

export function callTimesEnv(file: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=${pathToFileURL(import.meta.filename).href}`, [fileVariable]: file };
}

export function readCallTimes(file: string): CallTimes {
  const callEnds: number[] = [];
  const stoppedAt = new Map<string, number>();
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const [time = '', jobId] = line.split(' ');
    if (jobId === undefined) callEnds.push(Number(time));
    else stoppedAt.set(jobId, Number(time));
  }
  return { callEnds, stoppedAt };
}

async function note(file: string): Promise<void> {
  const line = (more = ''): void => appendFileSync(file, `${performance.timeOrigin + performance.now()}${more}\n`);
  const { InferenceSession } = await import('onnxruntime-node');
  const { prototype } = InferenceSession as unknown as { prototype: { run(...input: unknown[]): Promise<unknown> } };
  const { run } = prototype;
  prototype.run = async function (...input) {
    const results = await run.apply(this, input);
    if ('timestep' in (input[0] as object)) line();
    return results;
  };
  const parent = process as { send(message: { kind?: string; jobId?: string }, ...rest: unknown[]): boolean };
  const send = parent.send.bind(process);
  parent.send = (message, ...rest) => {
    if (message.kind === 'stopped') line(` ${message.jobId ?? ''}`);
    return send(message, ...rest);
  };
}

const file = process.env[fileVariable];
// Host and engine get the same environment; sessions are the engine's.
if (file !== undefined && path.basename(process.argv[1] ?? '') === 'engine.js') await note(file);
