import { createHash } from 'node:crypto';
import type { AdapterRef } from '../../../shared/engineProtocol.ts';
import { StopbathError, toFailure } from '../../../shared/errors.ts';
import { clipVocabularyFile } from '../assets.ts';
import { readRecord } from '../graph/checkpointRecord.ts';
import { LoraStrengths } from './loraStrengths.ts';

/** A model folder as a run wants it. */
export interface FolderInUse {
  readonly folder: string;
  /** null: no LoRA is on it. */
  readonly loras: LoraStrengths | null;
  /** Tells the weights of the LoRAs apart; empty without. */
  readonly lorasHash: string;
}

/**
 * A folder that was written over a checkpoint is brought up to date, or, with LoRAs, another one is written beside it; any other folder is
 * taken as it is.
 * @throws StopbathError `INVALID_INPUT` with field `loras` where the graphs are not ours and take none; what `reopenCheckpoint` and
 * `readLoraFile` throw.
 */
export async function folderWithLoras(folder: string, refs: readonly AdapterRef[]): Promise<FolderInUse> {
  const record = await readRecord(folder);
  if (record === null) {
    if (refs.length === 0) return { folder, loras: null, lorasHash: '' };
    throw new StopbathError({
      code: 'INVALID_INPUT',
      field: 'loras',
      message: 'loras: The graphs of this model were made elsewhere, and take no LoRAs.',
      nextStep: 'Take them out, or open the same model as a .safetensors file.',
    });
  }
  // Only checkpoints need what writes graphs.
  const { reopenCheckpoint } = await import('../graph/openCheckpoint.ts');
  const vocabulary = clipVocabularyFile();
  if (refs.length === 0) return { folder: (await reopenCheckpoint(folder, { vocabulary })).folder, loras: null, lorasHash: '' };
  const [{ readLoraFile }, { loraAdapters }, { loraFingerprint }] = await Promise.all([
    import('../graph/lora/loraFile.ts'),
    import('../graph/lora/loraSet.ts'),
    import('../graph/lora/loraFingerprint.ts'),
  ]);
  const files = await Promise.all(refs.map(({ file }) => readLoraFile(file).catch((error: unknown) => Promise.reject(asBadLora(error)))));
  const adapters = loraAdapters(files);
  const opened = await reopenCheckpoint(folder, { vocabulary, adapters }).catch((error: unknown) => {
    throw error instanceof StopbathError && error.field === 'loras' ? asBadLora(error) : error;
  });
  return {
    folder: opened.folder,
    loras: new LoraStrengths(refs.map(({ name }) => name)),
    // Not by place: a run goes on after its LoRA was moved.
    lorasHash: createHash('sha256').update((await Promise.all(files.map(loraFingerprint))).join(' ')).digest('hex'),
  };
}

/** A LoRA that cannot be used is a matter of what was asked for: the model, and the device it was to run on, are well. */
function asBadLora(error: unknown): unknown {
  if (!(error instanceof StopbathError)) return error;
  const { message, nextStep, detail } = toFailure(error);
  return new StopbathError(
    { code: 'INVALID_INPUT', field: 'loras', message: `loras: ${message}`, nextStep: nextStep ?? 'Take it out, or choose another file.', ...(detail === undefined ? {} : { detail }) },
    { cause: error },
  );
}
