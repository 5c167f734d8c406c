import { createHash } from 'node:crypto';
import { StopbathError } from '../../../../shared/errors.ts';
import type { CheckpointAdapters } from '../checkpointOptions.ts';
import type { CheckpointModel } from '../readers/checkpointModel.ts';
import { isWeightType } from '../readers/elementType.ts';
import type { NamedTensor } from '../readers/namedTensors.ts';
import { quoted, unsupported } from '../readers/refusal.ts';
import type { SafetensorsFile } from '../readers/safetensors.ts';
import type { Adapter, Adapters, WeightRef } from '../weights.ts';
import { keyOf, layersByKey, type LoraPart, type ModelLayer } from './layerNames.ts';
import type { LoraFile, StoredLayer } from './loraFile.ts';

const beginnings: readonly (readonly [RegExp, LoraPart])[] = [
  [/^lora_unet_/, 'unet'],
  [/^lora_te2_/, 'text_encoder_2'],
  [/^lora_te1?_/, 'text_encoder'],
  [/^text_encoder_2\./, 'text_encoder_2'],
  [/^text_encoder\./, 'text_encoder'],
  [/^(?:base_model\.model\.)?(?:unet\.|diffusion_model\.)?/, 'unet'],
];

/** Layer of the model -> what each LoRA adds to it. */
type Placed = ReadonlyMap<string, readonly PlacedLayer[]>;

interface PlacedLayer {
  readonly index: number;
  readonly stored: StoredLayer;
  readonly file: SafetensorsFile;
}

/**
 * Several LoRAs as what graphs are built with; their order is that of `lora_strengths`.
 * @throws StopbathError `MODEL_UNSUPPORTED`, when the graphs are built, for a LoRA of which no layer is the model's, or whose layers have
 * other sizes: it was made for another family.
 */
export function loraAdapters(loras: readonly LoraFile[]): CheckpointAdapters {
  const placedFor = new WeakMap<CheckpointModel, Placed>();
  const placedOf = (model: CheckpointModel): Placed => {
    const known = placedFor.get(model) ?? place(loras, model);
    placedFor.set(model, known);
    return known;
  };
  return {
    key: createHash('sha256')
      .update(JSON.stringify(loras.map(({ file: { path, size, mtimeMs } }) => [path, size, mtimeMs])))
      .digest('hex'),
    of: (part, model, linkName): Adapters => {
      const placed = placedOf(model);
      return {
        count: loras.length,
        of: (layer) => (placed.get(`${part}/${layer}`) ?? []).map((found) => adapterOf(found, linkName)),
      };
    },
  };
}

function place(loras: readonly LoraFile[], model: CheckpointModel): Placed {
  const layers = layersByKey(model);
  const placed = new Map<string, PlacedLayer[]>();
  for (const [index, { file, layers: stored }] of loras.entries()) {
    const found = stored.flatMap((layer) => {
      const at = findLayer(layer.stem, layers);
      return at === null ? [] : [{ at, layer }];
    });
    const missing = stored.find((layer) => findLayer(layer.stem, layers) === null);
    // A few layers more than the model has are usual: SDXL's refiner has one text encoder, Stable Diffusion 2 leaves one layer out.
    if (missing !== undefined && found.length <= stored.length / 2) {
      throw otherFamily(file, `${found.length === 0 ? 'none' : `${found.length}`} of its ${stored.length} layers ${found.length > 1 ? 'are' : 'is'} in the model; ${quoted(missing.stem)} is not`);
    }
    for (const { at, layer } of found) {
      requireSizes(file, layer, at);
      const key = `${at.part}/${at.name}`;
      placed.set(key, [...(placed.get(key) ?? []), { index, stored: layer, file }]);
    }
  }
  return placed;
}

/** The part of a model whose layer a LoRA's file means; null: a stem that begins as none does. */
export function loraPartOf(stem: string): LoraPart | null {
  return beginnings.find(([candidate]) => candidate.test(stem))?.[1] ?? null;
}

/** Layers of a LoRA that the model has none of; they change nothing. */
export function missingLayers({ layers: stored }: LoraFile, model: CheckpointModel): StoredLayer[] {
  const layers = layersByKey(model);
  return stored.filter(({ stem }) => findLayer(stem, layers) === null);
}

function findLayer(stem: string, layers: ReadonlyMap<string, ModelLayer>): ModelLayer | null {
  const [pattern, part] = beginnings.find(([candidate]) => candidate.test(stem)) ?? [];
  if (pattern === undefined || part === undefined) return null;
  const key = keyOf(stem.replace(pattern, '')).replace('_processor_', '_');
  return layers.get(`${part}/${key}`) ?? null;
}

/** Outputs, inputs and kernel of a layer; a 1 x 1 convolution is a matrix. */
function sizesOf({ dims: [out = 0, into = 0, height = 1, width = 1] }: Pick<NamedTensor, 'dims'>): readonly number[] {
  return [out, into, height, width];
}

function requireSizes(file: SafetensorsFile, { stem, down, up, mid }: StoredLayer, { weight }: ModelLayer): void {
  const [out, into, height, width] = weight.transposed === true ? swapped(sizesOf(weight)) : sizesOf(weight);
  const [, , kernelHeight, kernelWidth] = sizesOf(mid ?? down);
  if (sizesOf(up)[0] === out && sizesOf(down)[1] === into && kernelHeight === height && kernelWidth === width) return;
  throw otherFamily(file, `its layer ${quoted(stem)} goes from ${down.dims[1] ?? 0} to ${up.dims[0] ?? 0} numbers, the model's from ${into} to ${out}`);
}

function swapped([out = 0, into = 0, ...rest]: readonly number[]): readonly number[] {
  return [into, out, ...rest];
}

function otherFamily(file: SafetensorsFile, why: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    field: 'loras',
    message: `${file.name} was made for models of another family: ${why}.`,
    nextStep: 'Take it out, or choose a model of its family.',
  });
}

function adapterOf({ index, stored: { down, up, mid, alpha }, file }: PlacedLayer, linkName: (file: SafetensorsFile) => string): Adapter {
  const name = linkName(file);
  const rank = down.dims[0] ?? 1;
  return {
    index,
    scale: alpha === null ? 1 : alpha / rank,
    down: refOf(down, name),
    up: refOf(up, name),
    ...(mid === null ? {} : { mid: refOf(mid, name) }),
  };
}

export function refOf({ type, dims, offset, length, storedAs }: NamedTensor, file: string): WeightRef {
  if (!isWeightType(type)) throw unsupported(`${quoted(storedAs)} is stored as ${type}.`, 'Use a file in float32, float16 or bfloat16.');
  return { file, offset, length, type, dims };
}
