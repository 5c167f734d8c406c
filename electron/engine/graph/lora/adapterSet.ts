import { createHash } from 'node:crypto';
import type { CheckpointAdapters } from '../checkpointOptions.ts';
import type { EmbeddingFile } from './embeddingFile.ts';
import type { LoraFile } from './loraFile.ts';
import { loraAdapters, refOf } from './loraSet.ts';

/**
 * LoRAs and embeddings as what graphs are built with, each in its order.
 * @param embeddings that fit the model's text encoders
 * @throws StopbathError as {@link loraAdapters}
 */
export function adapterSet(loras: readonly LoraFile[], embeddings: readonly EmbeddingFile[]): CheckpointAdapters {
  const plain = loraAdapters(loras);
  if (embeddings.length === 0) return plain;
  const stamps = embeddings.map(({ file: { path, size, mtimeMs } }) => [path, size, mtimeMs]);
  return {
    key: createHash('sha256').update(JSON.stringify([plain.key, stamps])).digest('hex'),
    of: (part, model, linkName) => {
      const adapters = plain.of(part, model, linkName);
      if (part === 'unet') return adapters;
      const rows = embeddings.flatMap(({ parts, file }) => {
        const tensor = parts.get(part);
        return tensor === undefined ? [] : [refOf(tensor, linkName(file))];
      });
      return { ...adapters, embeddings: rows };
    },
  };
}
