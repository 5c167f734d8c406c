import type { RunWarning } from '../../../shared/runWarning.ts';
import type { CheckpointRecord } from '../graph/checkpointRecord.ts';
import type { LoraFile } from '../graph/lora/loraFile.ts';
import { LastUsed } from '../text/lastUsed.ts';

/** A few layers more than the model has are usual, and nothing to speak of: see graph/lora/loraSet.ts. */
const usualShare = 0.1;

/** By the folder of the graphs that have the LoRAs: another checkpoint, other LoRAs or other files make another folder. */
const known = new LastUsed<readonly RunWarning[]>(4);

/**
 * What is told of LoRAs whose layers are in good part none of the model's: these change nothing. One that has none or few of them is
 * refused when it is opened.
 * @param folder of the graphs that were written with them
 */
export async function unusedLayers(folder: string, { source, choices: { vae, useEma } }: CheckpointRecord, loras: readonly LoraFile[]): Promise<readonly RunWarning[]> {
  return known.get(folder) ?? known.keep(folder, await readUnused(source, { vae, useEma }, loras));
}

async function readUnused(source: string, options: { readonly vae: string | null; readonly useEma: boolean }, loras: readonly LoraFile[]): Promise<RunWarning[]> {
  const [{ missingLayers }, { readSource }] = await Promise.all([import('../graph/lora/loraSet.ts'), import('../graph/readers/source.ts')]);
  const { model } = await readSource(source, options);
  return loras.flatMap(({ file, layers }): RunWarning[] => {
    const [first, ...others] = missingLayers({ file, layers }, model);
    const missing = others.length + 1;
    if (first === undefined || missing <= layers.length * usualShare) return [];
    return [
      {
        code: 'LORA_PARTLY',
        message: `${String(missing)} of the ${String(layers.length)} layers of ${file.name} are none of this model's, and change nothing: ${JSON.stringify(first.stem)}${missing === 1 ? '' : ' and others'}.`,
        nextStep: 'Choose a LoRA that was made for this model, or take it as it is.',
      },
    ];
  });
}
