import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { CheckpointModel } from './readers/checkpointModel.ts';
import type { NamedTensor } from './readers/namedTensors.ts';

/** Bytes looked at in the middle of every tensor. */
const sampleBytes = 256;

/**
 * Tells models apart without reading them: SHA-256 over every tensor's name, type and sides and 256 bytes from its middle. Training
 * and merging change every number of a tensor they touch. A second's work where the whole file takes ten.
 * @returns hex
 */
export async function fingerprint({ unet, text, vae }: CheckpointModel): Promise<string> {
  const hash = createHash('sha256');
  const handles = new Map<string, FileHandle>();
  try {
    const parts = [['unet', unet.tensors] as const, ...text.map(({ name, tensors }) => [name, tensors] as const), ['vae', vae.tensors] as const];
    for (const [part, tensors] of parts) {
      for (const [name, tensor] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset)) {
        hash.update(`${part} ${name} ${tensor.type} ${tensor.dims.join('x')}\n`);
        hash.update(await sample(tensor, handles));
      }
    }
  } finally {
    await Promise.all([...handles.values()].map((handle) => handle.close()));
  }
  return hash.digest('hex');
}

async function sample({ file, offset, length }: NamedTensor, handles: Map<string, FileHandle>): Promise<Buffer> {
  const handle = handles.get(file.path) ?? (await open(file.path, 'r'));
  handles.set(file.path, handle);
  const size = Math.min(sampleBytes, length);
  const { buffer } = await handle.read(Buffer.alloc(size), 0, size, offset + Math.floor((length - size) / 2));
  return buffer;
}

export interface HashOptions {
  /** Told the share that is done, 0 to 1, some hundred times. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * SHA-256 of a whole file, as A1111 and model sites show it (they show the first ten digits).
 * @returns hex
 * @throws what reading throws; an `AbortError` once the signal is given
 */
export async function hashFile(path: string, { onProgress, signal }: HashOptions = {}): Promise<string> {
  const { size } = await stat(path);
  const hash = createHash('sha256');
  let done = 0;
  let told = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal === undefined ? {} : { signal }) })) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    done += bytes.length;
    if (done - told < size / 100 && done < size) continue;
    told = done;
    onProgress?.(done / size);
  }
  return hash.digest('hex');
}
