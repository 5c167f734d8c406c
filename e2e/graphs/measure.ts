/**
 * One model in a process of its own: `node e2e/graphs/measure.ts MODEL.onnx GOLDEN.safetensors OUTPUT [runs]` prints, as JSON, how long it
 * took to load and to run, its memory, and how far one output lies from the reference's. As a child of bench.ts it runs once a message.
 */
import { readFileSync } from 'node:fs';
import { openSession } from '../../electron/engine/ort/session.ts';
import type { ModelSession } from '../../electron/engine/tensor/modelSession.ts';
import { zeros, type Tensor } from '../../electron/engine/tensor/tensor.ts';
import { feedsOf, readTensors, relativeError } from './fixtures.ts';

export interface Measured {
  readonly loadMs: number;
  readonly runMs: readonly number[];
  /** Processor time of the runs, of all threads. */
  readonly cpuMs: readonly number[];
  /** Largest memory the process ever had, mapped files in memory counted: VmHWM. MiB. */
  readonly peak: number;
  /** Now, of it without mapped files. MiB. */
  readonly anonymous: number;
  readonly error: number;
}

function memory(field: string): number {
  return Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? NaN) / 1024;
}

/** Zeros for what the reference has no values of, such as features of an earlier step: for time and memory they are as good as any. */
function unknown(session: ModelSession, values: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
  const [batch = 1, , height = 1, width = 1] = values['in.sample']?.dims ?? [];
  const sides: Readonly<Record<string, number>> = { batch, height, width };
  return Object.fromEntries(
    session.inputs.map(({ name, dims }) => [name, zeros(dims.map((side) => (typeof side === 'number' ? side : (sides[side] ?? 1))))]),
  );
}

async function main([model = '', golden = '', output = '', runs = '1']: readonly string[]): Promise<void> {
  const values = readTensors(golden);
  const began = performance.now();
  const session = await openSession(model, 'cpu');
  const loadMs = performance.now() - began;
  const loaded = { peak: memory('VmHWM'), anonymous: memory('RssAnon') };
  const feeds = { ...unknown(session, values), ...feedsOf(session, values) };
  const [runMs, cpuMs]: [number[], number[]] = [[], []];
  const run = async (): Promise<Measured> => {
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const results = await session.run(feeds);
    runMs.push(performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    cpuMs.push((user + system) / 1000);
    const error = relativeError(results[output], values[`out.${output}`]);
    return { loadMs, runMs, cpuMs, peak: memory('VmHWM'), anonymous: memory('RssAnon'), error };
  };
  if (process.send === undefined) {
    let last = await run();
    for (let index = 1; index < Number(runs); index++) last = await run();
    console.log(JSON.stringify({ loaded, ...last }));
    await session.release();
    return;
  }
  process.on('message', () => void run().then((measured) => process.send?.(measured)));
  process.send('ready');
}

await main(process.argv.slice(2));
