import { z } from 'zod';
import { modelOrigins } from '../../../shared/models.ts';
import { pathFault } from '../hub/filePath.ts';

/** As {@link WantedFile}; read back from disk, so checked again. */
const fileSchema = z.object({
  path: z.string(),
  to: z.string().refine((path) => pathFault(path) === null),
  bytes: z.int().min(0),
  oid: z.string().regex(/^(?:sha256-[0-9a-f]{64}|git-[0-9a-f]{40})$/),
});

/** What a finished download is; also in `stopbath.json` of the model's folder. */
export const ownModelSchema = z.object({
  format: z.literal(1),
  repo: z.string(),
  /** The commit. */
  revision: z.string().regex(/^[0-9a-f]{40}$/),
  variant: z.string(),
  title: z.string(),
  license: z.string().nullable(),
  origin: z.enum(modelOrigins).exclude(['built-in']),
  files: z.array(fileSchema).min(1).max(1000),
});
export type OwnModel = z.infer<typeof ownModelSchema>;

/** A download that is not finished, as it outlives the app. One that runs is kept as `waiting`. */
export const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f-]{8,40}$/),
  state: z.enum(['waiting', 'paused', 'failed']),
  failure: z.object({ code: z.string(), message: z.string(), nextStep: z.string().optional(), detail: z.string().optional() }).nullable(),
  model: ownModelSchema,
});
export type DownloadRecord = z.infer<typeof recordSchema>;

export const stateFileSchema = z.object({ format: z.literal(1), downloads: z.array(recordSchema) });
