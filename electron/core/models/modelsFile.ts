import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Failure } from '../../../shared/errors.ts';
import { doctorReportSchema, modelFamilies, modelOrigins, modelSchema, placements, predictionTypes } from '../../../shared/models.ts';
import { type BrokenFileWords, setAside, unreadableFile } from '../brokenFile.ts';
import { createSerial, isMissing, saveFailure, type FileWriter } from '../files.ts';

/** What a person said of a model. */
const editsSchema = z.object({
  name: z.string().optional(),
  family: z.enum(modelFamilies).optional(),
  predictionType: z.enum(predictionTypes).optional(),
  isInpaint: z.boolean().optional(),
  placement: z.enum(placements).optional(),
});
export type ModelEdits = z.infer<typeof editsSchema>;

const factsSchema = modelSchema.pick({
  family: true,
  tasks: true,
  width: true,
  height: true,
  sizeMultiple: true,
  minSide: true,
  maxSide: true,
  steps: true,
  guidanceScale: true,
  scheduler: true,
  predictionType: true,
  uncertain: true,
});

const storedModelSchema = z.object({
  id: z.string(),
  name: z.string(),
  origin: z.enum(modelOrigins).exclude(['built-in']),
  /** The folder, or the .safetensors file. */
  path: z.string(),
  /** Of the app's own download: its folder in the store of downloads, and where it came from. */
  own: z.object({ folder: z.string(), repo: z.string(), revision: z.string() }).nullable(),
  edits: editsSchema,
  /** Where the engine finds it; of a checkpoint the folder that was written over it. */
  folder: z.string(),
  facts: factsSchema,
  bytes: z.int(),
  /** The app that read its files: another one may write other graphs over a checkpoint. */
  readBy: z.string(),
  /** Changes with the names, sizes and times of its files. */
  stamp: z.string(),
  hash: z.object({ stamp: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }).nullable(),
  addedAt: z.number(),
});
export type StoredModel = z.infer<typeof storedModelSchema>;

const fileSchema = z.object({
  format: z.literal(1),
  models: z.array(storedModelSchema),
  reports: z.record(z.string(), doctorReportSchema),
});
export type ModelsState = Omit<z.infer<typeof fileSchema>, 'format'>;

export interface ModelsFile {
  read(): Promise<ModelsState>;
  /** One write at a time, each of the newest state. @throws StopbathError */
  save(state: () => ModelsState): Promise<void>;
}

/** @param onNotice told when the file could not be read; a broken one is set aside. */
export function createModelsFile(file: string, write: FileWriter, onNotice: (failure: Failure) => void): ModelsFile {
  const serially = createSerial();
  return {
    read: async () => {
      const nothing = { models: [], reports: {} };
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch (error) {
        if (!isMissing(error)) onNotice(unreadableFile(words, error));
        return nothing;
      }
      try {
        return fileSchema.parse(JSON.parse(text));
      } catch (error) {
        onNotice(await setAside(file, error, words));
        return nothing;
      }
    },
    save: (state) =>
      serially(async () => {
        try {
          await write(file, `${JSON.stringify({ format: 1, ...state() }, null, 1)}\n`);
        } catch (error) {
          throw saveFailure(error, 'The list of models');
        }
      }),
  };
}

const words: BrokenFileWords = {
  unreadable: { message: 'The list of models could not be read.', nextStep: 'Check that models.json in the data folder can be read, then start Stopbath again.' },
  setAside: (aside) => ({
    message: `The list of models was damaged and has been set aside as ${aside}; no model was deleted.`,
    nextStep: 'Add the models of your folders again, or repair the file and put it back while Stopbath is closed.',
  }),
};
