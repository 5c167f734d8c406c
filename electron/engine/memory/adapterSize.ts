import type { AdapterRef } from '../../../shared/engineProtocol.ts';
import type { PartName } from '../pipelines/layout.ts';
import type { ModelSize } from './modelSize.ts';

/** Bytes of LoRAs that lie beside the weights of a part, as their files store them. */
export type AdapterBytes = ReadonlyMap<PartName, number>;

/**
 * What LoRAs add to the parts of a model: their tensors are held with the part's own while it is loaded, whatever their strength. By the
 * headers of their files alone; one that cannot be read adds nothing, for its run is refused.
 */
export async function adapterBytes(loras: readonly AdapterRef[]): Promise<AdapterBytes> {
  const bytes = new Map<PartName, number>();
  if (loras.length === 0) return bytes;
  // Only checkpoints take LoRAs.
  const [{ readLoraFile }, { loraPartOf }] = await Promise.all([import('../graph/lora/loraFile.ts'), import('../graph/lora/loraSet.ts')]);
  for (const { file } of loras) {
    const layers = await readLoraFile(file).then((read) => read.layers, () => []);
    for (const { stem, down, up, mid } of layers) {
      const part = loraPartOf(stem);
      if (part !== null) bytes.set(part, (bytes.get(part) ?? 0) + down.length + up.length + (mid?.length ?? 0));
    }
  }
  return bytes;
}

/** A model as it is with LoRAs on it. */
export function withAdapters(size: ModelSize, bytes: AdapterBytes): ModelSize {
  return { ...size, parts: size.parts.map((part) => ({ ...part, weightBytes: part.weightBytes + (bytes.get(part.part) ?? 0) })) };
}
