import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, closeSync, rmSync, linkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StopbathError } from '../../shared/errors.ts';
import type { ClipTextConfig } from '../../electron/engine/graph/architectures/clipText.ts';
import type { TaesdConfig } from '../../electron/engine/graph/architectures/taesd.ts';
import type { UnetConfig } from '../../electron/engine/graph/architectures/unet.ts';
import type { VaeConfig } from '../../electron/engine/graph/architectures/vae.ts';
import type { Adapters, WeightRef, Weights, WeightType } from '../../electron/engine/graph/weights.ts';
import type { ModelSession } from '../../electron/engine/tensor/modelSession.ts';
import { tensor, type Tensor } from '../../electron/engine/tensor/tensor.ts';

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

interface DiffusersUnet {
  readonly in_channels?: number;
  readonly out_channels?: number;
  readonly block_out_channels?: readonly number[];
  readonly layers_per_block?: number;
  readonly down_block_types?: readonly string[];
  readonly transformer_layers_per_block?: number | readonly number[];
  readonly attention_head_dim: number | readonly number[];
  readonly cross_attention_dim: number;
  readonly time_cond_proj_dim?: number;
  readonly addition_time_embed_dim?: number;
  readonly projection_class_embeddings_input_dim?: number;
  readonly norm_num_groups?: number;
}

/** diffusers' config of the models this folder's recipe makes. */
export function unetConfig(file: DiffusersUnet): UnetConfig {
  const channels = file.block_out_channels ?? [320, 640, 1280, 1280];
  const perLevel = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? channels.map(() => value) : value);
  const layers = perLevel(file.transformer_layers_per_block ?? 1);
  const attends = file.down_block_types?.map((type) => type.startsWith('CrossAttn')) ?? [true, true, true, false];
  const { addition_time_embed_dim: timeIdWidth, projection_class_embeddings_input_dim: added = 0 } = file;
  const timeIds = channels.length === 3 ? 6 : 5;
  return {
    inChannels: file.in_channels ?? 4,
    outChannels: file.out_channels ?? 4,
    blockOutChannels: channels,
    layersPerBlock: file.layers_per_block ?? 2,
    transformerLayers: layers.map((count, level) => (attends[level] === true ? count : 0)),
    midTransformerLayers: layers.at(-1) ?? 0,
    heads: perLevel(file.attention_head_dim),
    crossAttentionDim: file.cross_attention_dim,
    timeCondProjDim: file.time_cond_proj_dim ?? null,
    textTime: timeIdWidth === undefined ? null : { pooledWidth: added - timeIds * timeIdWidth, timeIds, timeIdWidth },
    normGroups: file.norm_num_groups ?? 32,
  };
}

interface TransformersText {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: 'quick_gelu' | 'gelu';
  readonly eos_token_id: number;
}

export function textConfig(file: TransformersText, projection: boolean): ClipTextConfig {
  return {
    hiddenSize: file.hidden_size,
    layers: file.num_hidden_layers,
    heads: file.num_attention_heads,
    activation: file.hidden_act,
    eosTokenId: file.eos_token_id,
    projection,
  };
}

interface DiffusersVae {
  readonly latent_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly norm_num_groups: number;
}

export function vaeConfig(file: DiffusersVae): VaeConfig {
  return {
    latentChannels: file.latent_channels,
    blockOutChannels: file.block_out_channels,
    layersPerBlock: file.layers_per_block,
    normGroups: file.norm_num_groups,
  };
}

export const taesdConfig: TaesdConfig = { latentChannels: 4, encoderBlocks: [1, 3, 3, 3], decoderBlocks: [3, 3, 3, 1] };

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
