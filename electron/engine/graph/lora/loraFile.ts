import { open } from 'node:fs/promises';
import { isWeightType } from '../readers/elementType.ts';
import { type NamedTensor, tensorsOf } from '../readers/namedTensors.ts';
import { broken, quoted, unsupported } from '../readers/refusal.ts';
import { readSafetensors, type SafetensorsFile } from '../readers/safetensors.ts';
import { alphaFromMetadata } from './peftMetadata.ts';

/** What a LoRA's file has for one layer, under the file's own name of the layer. */
export interface StoredLayer {
  /** As the file begins it, e.g. `lora_unet_down_blocks_0_attentions_0_proj_in`. */
  readonly stem: string;
  readonly down: NamedTensor;
  readonly up: NamedTensor;
  readonly mid: NamedTensor | null;
  /** Left out by PEFT and old diffusers: then it is the rank, and the scale 1. */
  readonly alpha: number | null;
}

export interface LoraFile {
  readonly file: SafetensorsFile;
  readonly layers: readonly StoredLayer[];
}

type Role = 'down' | 'up' | 'mid' | 'alpha';

/** kohya; PEFT; diffusers; diffusers' old attention processors and text encoders. */
const roles: readonly (readonly [RegExp, Role])[] = [
  [/\.lora_down\.weight$|\.lora_A(?:\.default)?\.weight$|[._]lora\.down\.weight$|\.lora_linear_layer\.down\.weight$/, 'down'],
  [/\.lora_up\.weight$|\.lora_B(?:\.default)?\.weight$|[._]lora\.up\.weight$|\.lora_linear_layer\.up\.weight$/, 'up'],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.alpha$/, 'alpha'],
];

/** Other ways to change a layer, by a name that only they have. Their mathematics is no product of two small matrices. */
const otherWays: readonly (readonly [RegExp, string])[] = [
  [/\.hada_[wt]\d/, 'a LoHa (LyCORIS)'],
  [/\.lokr_[wt]\d/, 'a LoKr (LyCORIS)'],
  [/\.oft_(blocks|diag)|\.boft_/, 'an OFT adapter'],
  [/\.dora_scale$|lora_magnitude_vector/, 'a DoRA'],
  [/\.on_input$/, 'an IA3 adapter'],
  [/\.(diff|diff_b)$/, 'a full difference of weights'],
  [/\.[wb]_norm$/, 'a LyCORIS with norms of its own'],
  [/\.scalar$/, 'a LyCORIS with a learned scale'],
];

/**
 * Reads a LoRA's header and its alphas; of its weights nothing.
 * @throws StopbathError as `readSafetensors`; `MODEL_UNSUPPORTED` for another kind of adapter, `MODEL_BAD` for layers that are not whole.
 */
export async function readLoraFile(path: string): Promise<LoraFile> {
  const file = await readSafetensors(path);
  const names = [...file.tensors.keys()];
  const other = otherWays.find(([pattern]) => names.some((name) => pattern.test(name)));
  if (other !== undefined) {
    throw unsupported(`${file.name} is ${other[1]}, which this version cannot put on a model.`, 'Use a LoRA of the plain or the LoCon kind, or ask for it to be resized to one.');
  }
  const stems = new Map<string, Partial<Record<Role, NamedTensor>>>();
  for (const [name, tensor] of tensorsOf(file)) {
    const [pattern, role] = roles.find(([candidate]) => candidate.test(name)) ?? [];
    if (pattern === undefined || role === undefined) throw unsupported(`${file.name} has a tensor that is no part of a LoRA: ${quoted(name)}.`, 'Choose a LoRA file.');
    const stem = name.replace(pattern, '');
    stems.set(stem, { ...stems.get(stem), [role]: tensor });
  }
  const alphas = await readAlphas(file, stems);
  const toldAlpha = alphaFromMetadata(file);
  const layers = [...stems].flatMap(([stem, found]) => layerOf(file, stem, found, alphas.get(stem) ?? toldAlpha(stem, found.down?.dims[0] ?? 1)));
  if (layers.length === 0) throw unsupported(`${file.name} has no layers of a LoRA.`, 'Choose a LoRA file.');
  return { file, layers };
}

function layerOf(file: SafetensorsFile, stem: string, { down, up, mid }: Partial<Record<Role, NamedTensor>>, alpha: number | null): StoredLayer[] {
  // An alpha alone changes nothing.
  if (down === undefined && up === undefined) return [];
  if (down === undefined || up === undefined) throw broken(`${file.name} has one half only of the layer ${quoted(stem)}.`);
  for (const tensor of [down, up, ...(mid === undefined ? [] : [mid])]) {
    if (!isWeightType(tensor.type)) throw unsupported(`${file.name} stores ${quoted(tensor.storedAs)} as ${tensor.type}.`, 'Use a file in float32, float16 or bfloat16.');
    if (tensor.dims.length !== 2 && tensor.dims.length !== 4) throw broken(`${quoted(tensor.storedAs)} of ${file.name} has ${tensor.dims.length} sides; a layer has 2 or 4.`);
  }
  const rank = down.dims[0] ?? 0;
  if (rank < 1 || up.dims[1] !== rank || (mid !== undefined && (mid.dims[0] !== rank || mid.dims[1] !== rank))) {
    throw broken(`The halves of ${quoted(stem)} in ${file.name} do not fit: [${down.dims.join(', ')}] and [${up.dims.join(', ')}].`);
  }
  if (alpha !== null && !Number.isFinite(alpha)) throw broken(`The alpha of ${quoted(stem)} in ${file.name} is no number.`);
  return [{ stem, down, up, mid: mid ?? null, alpha }];
}

const longestAlpha = 8;

async function readAlphas(file: SafetensorsFile, stems: ReadonlyMap<string, Partial<Record<Role, NamedTensor>>>): Promise<Map<string, number>> {
  const alphas = new Map<string, number>();
  const handle = await open(file.path, 'r');
  try {
    for (const [stem, { alpha }] of stems) {
      if (alpha === undefined) continue;
      if (alpha.dims.some((side) => side !== 1) || alpha.length > longestAlpha) throw broken(`The alpha of ${quoted(stem)} in ${file.name} is no single number.`);
      const bytes = Buffer.alloc(longestAlpha);
      await handle.read(bytes, 0, alpha.length, alpha.offset);
      alphas.set(stem, numberOf(bytes, alpha, file));
    }
  } finally {
    await handle.close();
  }
  return alphas;
}

function numberOf(bytes: Buffer, { type, storedAs }: NamedTensor, file: SafetensorsFile): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type) {
    case 'F32':
      return view.getFloat32(0, true);
    case 'F64':
      return view.getFloat64(0, true);
    case 'F16':
      return view.getFloat16(0, true);
    case 'BF16':
      // The upper half of a float32.
      return new Float32Array(Uint32Array.of(view.getUint16(0, true) << 16).buffer)[0] ?? Number.NaN;
    case 'I64':
      return Number(view.getBigInt64(0, true));
    case 'I32':
      return view.getInt32(0, true);
    default:
      throw unsupported(`${file.name} stores ${quoted(storedAs)} as ${type}.`, 'Use a file with alphas in floating point.');
  }
}

