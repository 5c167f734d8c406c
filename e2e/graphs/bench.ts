/**
 * Our graph over the standard export of the same weights: `node e2e/graphs/bench.ts FOLDER [sd15] [rounds]`, after full_size.py and
 * export.py. With `reuse` as a fourth argument: steps that reuse deep features over whole ones (no export needed). Each model has a process of its own, all with the app's session options; calls are interleaved, so that what else
 * the machine does falls on all. Prints JSON.
 */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { type FullUnet, writeUnet } from './fullModels.ts';
import type { Measured } from './measure.ts';

class Runner {
  readonly #child: ChildProcess;

  constructor(model: string, golden: string) {
    this.#child = fork(path.join(import.meta.dirname, 'measure.ts'), [model, golden, 'out_sample']);
  }

  ready(): Promise<unknown> {
    return this.#next();
  }

  run(): Promise<Measured> {
    this.#child.send('run');
    return this.#next() as Promise<Measured>;
  }

  stop(): void {
    this.#child.kill();
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#child.once('message', resolve);
      this.#child.once('exit', (code, signal) => reject(new Error(`ended with ${code ?? signal}`)));
    });
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** Calls in turn; the first of each is not counted. */
async function interleave(models: Readonly<Record<string, string>>, golden: string, rounds: number): Promise<Record<string, Measured>> {
  const runners = new Map<string, Runner>();
  for (const [name, model] of Object.entries(models)) {
    const runner = new Runner(model, golden);
    await runner.ready();
    runners.set(name, runner);
  }
  const last: Record<string, Measured> = {};
  for (let round = 0; round <= rounds; round++) {
    for (const [name, runner] of runners) last[name] = await runner.run();
    console.error(`round ${round} of ${rounds}`);
  }
  for (const runner of runners.values()) runner.stop();
  return last;
}

function ratio(ours: Measured, theirs: Measured, of: 'runMs' | 'cpuMs'): number {
  return median(ours[of].slice(1).map((value, index) => value / (theirs[of][index + 1] ?? NaN)));
}

const [folder = '', name = 'sd15', rounds = '5', against = 'export'] = process.argv.slice(2);
const unet = name as FullUnet;
const golden = path.join(folder, `${name}.golden.safetensors`);

/** Over the export of the same weights: ratios, and what they are made of. */
async function overExport(): Promise<object> {
  const models = { ours: writeUnet(folder, unet), standard: path.join(folder, `${name}.export`, 'model.onnx') };
  const { ours, standard } = await interleave(models, golden, Number(rounds));
  if (ours === undefined || standard === undefined) throw new Error('Nothing was measured.');
  return {
    stepTime: ratio(ours, standard, 'runMs'),
    stepProcessorTime: ratio(ours, standard, 'cpuMs'),
    loadTime: ours.loadMs / standard.loadMs,
    peakMemory: ours.peak / standard.peak,
    residentMemory: ours.anonymous / standard.anonymous,
    ours,
    standard,
  };
}

/** A step that takes the deep features of an earlier one, over a whole step: by outer layers run. */
async function ofReuse(): Promise<object> {
  const shallow = [1, 2, 3].map((layers) => [layers, writeUnet(folder, unet, { part: 'shallow', shallowLayers: layers })] as const);
  const whole = writeUnet(folder, unet, { part: 'whole-with-features', shallowLayers: 1 });
  const measured = await interleave({ whole, ...Object.fromEntries(shallow) }, golden, Number(rounds));
  const base = measured['whole'];
  if (base === undefined) throw new Error('Nothing was measured.');
  return Object.fromEntries(
    shallow.flatMap(([layers]) => {
      const part = measured[layers];
      if (part === undefined) return [];
      const times = { stepTime: ratio(part, base, 'runMs'), stepProcessorTime: ratio(part, base, 'cpuMs') };
      return [[`outer layers ${layers}`, { ...times, residentMemory: part.anonymous / base.anonymous }]];
    }),
  );
}

console.log(JSON.stringify({ model: name, rounds: Number(rounds), against, ...(against === 'reuse' ? await ofReuse() : await overExport()) }));
