import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, closeSync, rmSync, linkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StopbathError } from '../../shared/errors.ts';
import type { Adapters, WeightRef, Weights, WeightType } from '../../electron/engine/graph/weights.ts';
import type { ModelSession } from '../../electron/engine/tensor/modelSession.ts';
import { tensor, type Tensor } from '../../electron/engine/tensor/tensor.ts';
import type { DiffusersUnet, DiffusersVae, TransformersText } from './referenceConfigs.ts';

export const goldenFolder = path.join(import.meta.dirname, 'golden');

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The header of a file this folder's recipe wrote; the engine's own reader, which trusts nothing, is `graph/readers`. */
function readHeader(file: string): { readonly start: number; readonly entries: ReadonlyMap<string, Entry> } {
  const handle = openSync(file, 'r');
  try {
    const size = Buffer.alloc(8);
    readSync(handle, size, 0, 8, 0);
    const length = Number(size.readBigUInt64LE());
    const header = Buffer.alloc(length);
    readSync(handle, header, 0, length, 8);
    const entries = Object.entries(JSON.parse(header.toString()) as Record<string, Entry>);
    return { start: 8 + length, entries: new Map(entries.filter(([name]) => name !== '__metadata__')) };
  } finally {
    closeSync(handle);
  }
}

/** @param prefix of the names to take; it is cut off */
export function readWeights(file: string, prefix = ''): Weights {
  const { start, entries } = readHeader(file);
  const refs = new Map<string, WeightRef>();
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of entries) {
    if (!name.startsWith(prefix)) continue;
    const ref = { file: path.basename(file), offset: start + from, length: to - from, type: dtype as WeightType, dims: shape };
    refs.set(name.slice(prefix.length), ref);
  }
  return {
    has: (name) => refs.has(name),
    names: () => refs.keys(),
    get(name) {
      const ref = refs.get(name);
      if (ref !== undefined) return ref;
      throw new StopbathError({ code: 'MODEL_BAD', message: `There is no ${name}.` });
    },
  };
}

/** Tensors of a golden file, float32 or int32, as the engine has them. */
export function readTensors(file: string): Readonly<Record<string, Tensor>> {
  const { start, entries } = readHeader(file);
  const bytes = readFileSync(file);
  return Object.fromEntries(
    [...entries].map(([name, { dtype, shape, data_offsets: [from, to] }]) => {
      const raw = new Uint8Array(bytes.subarray(start + from, start + to)).buffer;
      return [name, tensor(shape, dtype === 'I32' ? Float32Array.from(new Int32Array(raw)) : new Float32Array(raw))];
    }),
  );
}

/** A graph beside a hard link of its weights, in a folder of their own. */
export class GraphFolder {
  readonly path: string;

  constructor(weights: readonly string[], folder = mkdtempSync(path.join(tmpdir(), 'stopbath-graph-'))) {
    this.path = folder;
    mkdirSync(folder, { recursive: true });
    for (const file of weights) link(file, path.join(this.path, path.basename(file)));
  }

  /** @returns the path of the model */
  write(name: string, graph: Buffer): string {
    const file = path.join(this.path, `${name}.onnx`);
    writeFileSync(file, graph);
    return file;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A temporary folder may lie in another file system than the repository: small files are copied then. */
function link(from: string, to: string): void {
  if (existsSync(to)) return;
  try {
    linkSync(from, to);
  } catch {
    writeFileSync(to, readFileSync(from));
  }
}

interface Cases {
  readonly 'unet-sd1': { readonly config: DiffusersUnet };
  readonly lora: { readonly scales: readonly Readonly<Record<string, number>>[] };
  readonly vae: { readonly config: DiffusersVae };
  readonly [text: `clip-${string}`]: { readonly config: TransformersText; readonly projection: boolean };
}

export type UnetCase = `unet-${'sd1' | 'sd2' | 'inpaint' | 'lcm' | 'sdxl' | 'refiner'}`;
export type TextCase = `clip-${'l' | 'h' | 'g'}`;
export type VaeCase = 'vae' | 'vae-bare';

type AllCases = Record<UnetCase, Cases['unet-sd1']> & Record<TextCase, Cases['clip-l']> & Record<VaeCase, Cases['vae']> & Pick<Cases, 'lora'>;

const written = JSON.parse(readFileSync(path.join(goldenFolder, 'cases.json'), 'utf8')) as { readonly cases: AllCases };
export const cases = written.cases;

export const goldenFile = (name: string): string => path.join(goldenFolder, `${name}.safetensors`);

/** `in.*` of a golden file by the names of the session's inputs. */
export function feedsOf(session: ModelSession, values: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    session.inputs.flatMap(({ name }) => {
      const value = values[`in.${name}`];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** Largest difference over the largest value. */
export function relativeError(actual: Tensor | undefined, expected: Tensor | undefined): number {
  if (actual === undefined || expected === undefined || actual.data.length !== expected.data.length) return Infinity;
  let [difference, largest] = [0, 0];
  expected.data.forEach((value, index) => {
    difference = Math.max(difference, Math.abs(value - (actual.data[index] ?? NaN)));
    largest = Math.max(largest, Math.abs(value));
  });
  return Number.isNaN(difference) ? Infinity : difference / largest;
}

/** The LoRAs of the golden file, all at once. */
export function readAdapters(): Adapters {
  const { scales } = cases.lora;
  const files = scales.map((_, index) => readWeights(goldenFile('lora'), `${index}.`));
  return {
    count: scales.length,
    of: (layer) =>
      files.flatMap((file, index) => {
        const scale = scales[index]?.[layer];
        if (scale === undefined) return [];
        const mid = file.has(`${layer}.mid`) ? { mid: file.get(`${layer}.mid`) } : {};
        return [{ index, scale, down: file.get(`${layer}.down`), up: file.get(`${layer}.up`), ...mid }];
      }),
  };
}
