import { z } from 'zod';
import { unsupported } from '../readers/refusal.ts';
import type { SafetensorsFile } from '../readers/safetensors.ts';

/** Where diffusers keeps PEFT's `LoraConfig` of every part: `utils/peft_utils.py`, `LORA_ADAPTER_METADATA_KEY`. */
const metadataKey = 'lora_adapter_metadata';

const partSchema = z.object({
  lora_alpha: z.number().optional(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  use_rslora: z.boolean().optional(),
  use_dora: z.boolean().optional(),
});
type Part = z.infer<typeof partSchema>;

const parts = ['unet', 'text_encoder', 'text_encoder_2'] as const;

/**
 * The alphas that a file tells in its metadata and not by a tensor.
 * @returns for a layer and its rank; null where the file says none: then it is the rank
 * @throws StopbathError `MODEL_UNSUPPORTED` for a DoRA
 */
export function alphaFromMetadata(file: SafetensorsFile): (stem: string, rank: number) => number | null {
  const told = objectIn(file.metadata.get(metadataKey));
  if (told === null) return () => null;
  const byPart = new Map<string, Part>();
  for (const part of parts) {
    const own = Object.entries(told).flatMap(([key, value]) => (key.startsWith(`${part}.`) ? [[key.slice(part.length + 1), value] as const] : []));
    const read = partSchema.safeParse(Object.fromEntries(own));
    if (!read.success) continue;
    if (read.data.use_dora === true) throw unsupported(`${file.name} is a DoRA, which this version cannot put on a model.`, 'Use a LoRA of the plain or the LoCon kind.');
    byPart.set(part, read.data);
  }
  return (stem, rank) => {
    const part = byPart.get(stem.split('.')[0] ?? '');
    if (part === undefined) return null;
    const alpha = patternOf(part, stem) ?? part.lora_alpha ?? null;
    // Rank-stabilised (arXiv 2312.03732): alpha over the square root of the rank.
    return alpha === null || part.use_rslora !== true ? alpha : alpha * Math.sqrt(rank);
  };
}

/** PEFT matches the end of a layer's name; a pattern is nearly always a whole name. */
function patternOf({ alpha_pattern: patterns }: Part, stem: string): number | null {
  const found = Object.entries(patterns ?? {}).find(([key]) => stem.endsWith(`.${key.replace(/^\^/, '')}`));
  return found?.[1] ?? null;
}

function objectIn(text: string | undefined): object | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
