import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterRef, ModelUse } from '../../../shared/engineProtocol.ts';
import { StopbathError, toFailure } from '../../../shared/errors.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import type { RunWarning } from '../../../shared/runWarning.ts';
import { clipVocabularyFile } from '../assets.ts';
import { readRecord } from '../graph/checkpointRecord.ts';
import type { GraphVariant } from '../graph/graphVariant.ts';
import type { EmbeddingFile } from '../graph/lora/embeddingFile.ts';
import type { TextPartName } from '../graph/readers/checkpointModel.ts';
import { firstEmbeddingId } from '../graph/weights.ts';
import type { EmbeddingWord } from '../text/embeddingWords.ts';
import type { Warn } from '../warn.ts';
import { LoraStrengths } from './loraStrengths.ts';
import { unusedLayers } from './unusedLayers.ts';

/** A model folder as a run wants it. */
export interface FolderInUse {
  readonly folder: string;
  /** null: no LoRA is on it. */
  readonly loras: LoraStrengths | null;
  /** Tell the weights of the LoRAs apart, in their order. */
  readonly loraHashes: readonly string[];
  /** Those the text encoders have rows for. */
  readonly embeddings: readonly EmbeddingWord[];
  /** Of its graphs; null: they were made elsewhere. */
  readonly variant: GraphVariant | null;
}

/** What graphs are written for. */
export interface GraphTarget {
  readonly device: ProviderId;
  /** Asked only for graphs of ours: the first answer may take a probe. */
  readonly variant: () => Promise<GraphVariant>;
}

/**
 * A folder that was written over a checkpoint is brought up to date, or, with LoRAs and embeddings, another one is written beside it; any
 * other folder is taken as it is.
 * @param target its graphs are written for this one
 * @param warn told of embeddings that cannot be used: their names stay words; and of LoRAs that fit the model in part only
 * @throws StopbathError `INVALID_INPUT` with field `loras` for a LoRA that cannot be used, or where the graphs are not ours and take none;
 * what `reopenCheckpoint` throws.
 */
export async function folderInUse({ modelFolder: folder, loras: refs, embeddings: called }: Pick<ModelUse, 'modelFolder' | 'loras' | 'embeddings'>, target: GraphTarget, warn: Warn): Promise<FolderInUse> {
  const record = await readRecord(folder);
  if (record === null) {
    if (refs.length > 0) throw takesNone();
    if (called.length > 0) warn(notUsed(called, 'the graphs of this model were made elsewhere, and take none', 'Open the same model as a .safetensors file.'));
    return { folder, loras: null, loraHashes: [], embeddings: [], variant: null };
  }
  // Only checkpoints need what writes graphs.
  const { reopenCheckpoint } = await import('../graph/openCheckpoint.ts');
  const vocabulary = clipVocabularyFile();
  const variant = await target.variant();
  const graph = { device: target.device, variant };
  const plain = async (): Promise<FolderInUse> => ({ folder: (await reopenCheckpoint(folder, { vocabulary, graph })).folder, loras: null, loraHashes: [], embeddings: [], variant });
  if (refs.length === 0 && called.length === 0) return plain();
  const [{ readLoraFile }, { adapterSet }, { loraFingerprint }] = await Promise.all([
    import('../graph/lora/loraFile.ts'),
    import('../graph/lora/adapterSet.ts'),
    import('../graph/lora/loraFingerprint.ts'),
  ]);
  const files = await Promise.all(refs.map(({ file }) => readLoraFile(file).catch((error: unknown) => Promise.reject(asBadLora(error)))));
  const embeddings = await fittingEmbeddings(called, folder, warn);
  if (files.length === 0 && embeddings.length === 0) return plain();
  const adapters = adapterSet(files, embeddings.map(({ file }) => file));
  const opened = await reopenCheckpoint(folder, { vocabulary, adapters, graph }).catch((error: unknown) => {
    throw error instanceof StopbathError && error.field === 'loras' ? asBadLora(error) : error;
  });
  for (const warning of await unusedLayers(opened.folder, record, files)) warn(warning);
  return {
    folder: opened.folder,
    loras: files.length === 0 ? null : new LoraStrengths(refs.map(({ name }) => name)),
    // Not by place: a run goes on after its LoRA was moved.
    loraHashes: await Promise.all(files.map(loraFingerprint)),
    embeddings: numberEmbeddings(embeddings.map(({ name, file: { vectors } }) => ({ name, vectors }))),
    variant,
  };
}

/** Embeddings one behind the other, as the graph has their rows. */
function numberEmbeddings(embeddings: readonly Pick<EmbeddingWord, 'name' | 'vectors'>[]): EmbeddingWord[] {
  let firstId = firstEmbeddingId;
  return embeddings.map(({ name, vectors }) => {
    const word = { name, vectors, firstId };
    firstId += vectors;
    return word;
  });
}

/** As in A1111, an embedding of another family is not there: its name is a word like others. */
async function fittingEmbeddings(refs: readonly AdapterRef[], folder: string, warn: Warn): Promise<{ name: string; file: EmbeddingFile }[]> {
  if (refs.length === 0) return [];
  const { fitsText, readEmbeddingFile } = await import('../graph/lora/embeddingFile.ts');
  const widths = await textWidths(folder);
  const fitting: { name: string; file: EmbeddingFile }[] = [];
  for (const ref of refs) {
    try {
      const file = await readEmbeddingFile(ref.file);
      if (fitsText(file, widths)) fitting.push({ name: ref.name, file });
      else warn(notUsed([ref], 'it was made for models of another family', 'Take its name out of the prompt, or choose a model of its family.'));
    } catch (error) {
      const { message, nextStep } = toFailure(error);
      warn(notUsed([ref], message.replace(/\.$/, ''), nextStep ?? 'Take its name out of the prompt, or choose another file.'));
    }
  }
  return fitting;
}

/** Hidden sizes as the folder's own configs have them. */
async function textWidths(folder: string): Promise<ReadonlyMap<TextPartName, number>> {
  const widths = new Map<TextPartName, number>();
  for (const part of ['text_encoder', 'text_encoder_2'] as const) {
    const text = await readFile(join(folder, part, 'config.json'), 'utf8').catch(() => null);
    const width: unknown = text === null ? undefined : (JSON.parse(text) as { hidden_size?: unknown }).hidden_size;
    if (typeof width === 'number') widths.set(part, width);
  }
  return widths;
}

function notUsed(refs: readonly AdapterRef[], why: string, nextStep: string): RunWarning {
  const names = refs.map(({ name }) => JSON.stringify(name)).join(', ');
  return { code: 'EMBEDDING_UNUSED', message: `The embedding ${names} is not used, and its name is read as a word: ${why}.`, nextStep };
}

function takesNone(): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'loras',
    message: 'loras: The graphs of this model were made elsewhere, and take no LoRAs.',
    nextStep: 'Take them out, or open the same model as a .safetensors file.',
  });
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
