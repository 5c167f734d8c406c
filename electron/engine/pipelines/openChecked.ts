import { join } from 'node:path';
import type { OpenSession } from '../tensor/modelSession.ts';
import { checkOnnxFile, type CheckedOnnx } from './externalData.ts';
import { type ModelLayout, partNames, type PartName } from './layout.ts';
import { copyAgain, ModelFault } from './modelFault.ts';

/** The standard name of a part's file in a model folder. */
export function standardFile(folder: string, part: string): string {
  return join(folder, part, 'model.onnx');
}

/**
 * @returns the .onnx file of a part, wherever the export put it
 * @throws StopbathError `MODEL_PARTS` naming the file that is not there.
 */
export function partFile({ files }: ModelLayout, part: PartName): string {
  const file = files[part];
  if (file !== undefined) return file;
  throw new ModelFault('PART_MISSING', part, { code: 'MODEL_PARTS', message: `${part}/model.onnx is missing.`, nextStep: copyAgain });
}

/** The part's file after its references were checked: see `checkOnnxFile`. */
export function checkPart(layout: ModelLayout, part: PartName): Promise<CheckedOnnx> {
  return checkOnnxFile(partFile(layout, part), layout.root);
}

/**
 * The same door, for parts by their standard names: opens the file that is there in its place, and only once it is known to refer to
 * nothing outside the model's folder.
 */
export function openChecked(layout: ModelLayout, openSession: OpenSession): OpenSession {
  const named = new Map<string, PartName>(partNames.map((part) => [standardFile(layout.folder, part), part]));
  return async (file) => {
    const part = named.get(file);
    const real = part === undefined ? file : partFile(layout, part);
    await checkOnnxFile(real, layout.root);
    return openSession(real);
  };
}
