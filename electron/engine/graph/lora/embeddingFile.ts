import type { TextPartName } from '../readers/checkpointModel.ts';
import { isWeightType } from '../readers/elementType.ts';
import { type NamedTensor, tensorsOf } from '../readers/namedTensors.ts';
import { broken, quoted, unsupported } from '../readers/refusal.ts';
import { readSafetensors, type SafetensorsFile } from '../readers/safetensors.ts';

/** A textual inversion embedding (arXiv 2208.01618): vectors in place of those a word has in the text encoder's table. */
export interface EmbeddingFile {
  readonly file: SafetensorsFile;
  readonly vectors: number;
  /** [vectors, width] for each text encoder it was made for. */
  readonly parts: ReadonlyMap<TextPartName, NamedTensor>;
}

/** What SDXL's files call the two. */
const partNames: Readonly<Record<string, TextPartName>> = { clip_l: 'text_encoder', clip_g: 'text_encoder_2' };

/**
 * Reads an embedding's header: A1111's `emb_params`, diffusers' one tensor under its token, SDXL's `clip_l` and `clip_g`.
 * @throws StopbathError as `readSafetensors`; `MODEL_UNSUPPORTED` and `MODEL_BAD` for what is no embedding.
 */
export async function readEmbeddingFile(path: string): Promise<EmbeddingFile> {
  const file = await readSafetensors(path);
  const tensors = tensorsOf(file);
  const isXl = tensors.has('clip_g') || tensors.has('clip_l');
  const own = isXl ? [...tensors].filter(([name]) => partNames[name] !== undefined) : [...tensors];
  const single = tensors.get('emb_params') ?? own[0]?.[1];
  const chosen: readonly (readonly [TextPartName, NamedTensor])[] = isXl
    ? own.map(([name, tensor]) => [partNames[name] ?? 'text_encoder', tensor])
    : single !== undefined && (own.length === 1 || tensors.has('emb_params'))
      ? [['text_encoder', single]]
      : [];
  if (chosen.length === 0) throw unsupported(`${file.name} is no embedding.`, 'Choose a textual inversion embedding.');
  const parts = new Map(chosen.map(([part, tensor]) => [part, asRows(file, tensor)]));
  const [first = 0, ...others] = [...parts.values()].map(({ dims }) => dims[0] ?? 0);
  if (first < 1 || others.some((count) => count !== first)) throw broken(`${file.name} has ${[first, ...others].join(' and ')} vectors for its text encoders.`);
  return { file, vectors: first, parts };
}

function asRows(file: SafetensorsFile, tensor: NamedTensor): NamedTensor {
  const { dims, type, storedAs } = tensor;
  if (!isWeightType(type)) throw unsupported(`${file.name} stores ${quoted(storedAs)} as ${type}.`, 'Use a file in float32, float16 or bfloat16.');
  if (dims.length !== 1 && dims.length !== 2) throw broken(`${quoted(storedAs)} of ${file.name} has ${dims.length} sides; an embedding has 1 or 2.`);
  return dims.length === 1 ? { ...tensor, dims: [1, ...dims] } : tensor;
}

/** Whether it was made for a model with these text encoders. @param widths hidden size of each */
export function fitsText({ parts }: EmbeddingFile, widths: ReadonlyMap<TextPartName, number>): boolean {
  if (widths.size === 0) return false;
  return [...widths].every(([part, width]) => parts.get(part)?.dims[1] === width);
}
