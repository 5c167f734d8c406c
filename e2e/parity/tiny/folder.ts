import { copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The models of e2e/fixtures/tiny/variants.json, made by make_models.py. */
export const tinyVariants = [
  'sd',
  'sd-v',
  'sd-bare',
  'sd-inpaint',
  'sd-lcm',
  'sdxl',
  'sdxl-norm',
  'sdxl-inpaint',
  'sdxl-refiner',
] as const;
export type TinyVariant = (typeof tinyVariants)[number];

interface VariantFile {
  /** Folder -> parts laid over one another, later ones on top. */
  readonly folders: Readonly<Record<string, readonly string[]>>;
  readonly modelIndex: object;
  readonly scheduler: object;
}

export const tinyFixtures = path.resolve(import.meta.dirname, '../../fixtures/tiny');

/** Puts a tiny model together in a new temporary folder, laid out as optimum exports one; the caller removes it. */
export async function tinyModelFolder(variant: TinyVariant): Promise<string> {
  const file = await readFile(path.join(tinyFixtures, 'variants.json'), 'utf8');
  const { folders, modelIndex, scheduler } = (JSON.parse(file) as Record<TinyVariant, VariantFile>)[variant];
  const target = await mkdtemp(path.join(tmpdir(), `stopbath-${variant}-`));
  for (const [folder, parts] of Object.entries(folders)) {
    await mkdir(path.join(target, folder));
    for (const part of parts) {
      const source = path.join(tinyFixtures, 'parts', part);
      for (const file of await readdir(source)) await copyFile(path.join(source, file), path.join(target, folder, file));
    }
  }
  await writeFile(path.join(target, 'model_index.json'), JSON.stringify(modelIndex, null, 2));
  await mkdir(path.join(target, 'scheduler'));
  await writeFile(path.join(target, 'scheduler/scheduler_config.json'), JSON.stringify(scheduler, null, 2));
  return target;
}
