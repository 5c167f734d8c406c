import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { LoraFile } from './loraFile.ts';

/** Bytes looked at in the middle of every tensor. */
const sampleBytes = 256;

/**
 * Tells LoRAs apart without reading them whole, as `fingerprint` does models: every layer's name, sides and scale and 256 bytes from the middle
 * of its matrices. Neither name nor place of the file counts.
 * @returns hex
 */
export async function loraFingerprint({ file, layers }: LoraFile): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file.path, 'r');
  try {
    for (const { stem, down, up, mid, alpha } of layers) {
      for (const tensor of [down, up, ...(mid === null ? [] : [mid])]) {
        const size = Math.min(sampleBytes, tensor.length);
        const { buffer } = await handle.read(Buffer.alloc(size), 0, size, tensor.offset + Math.floor((tensor.length - size) / 2));
        hash.update(`${stem} ${tensor.type} ${tensor.dims.join('x')} ${String(alpha)}\n`).update(buffer);
      }
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
