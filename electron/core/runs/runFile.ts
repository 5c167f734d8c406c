import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { breakpointSchema, jobSnapshotSchema } from '../../../shared/job.ts';

const runFileSchema = z.object({
  version: z.literal(1),
  /** When the run was put in the queue, milliseconds since 1970: the order of the list. */
  at: z.number(),
  /** As it stood; a run that the app did not see the end of has the state it had then. */
  job: jobSnapshotSchema,
  /** Where files of earlier versions have them; since then they are the job's own. */
  breakpoints: z.array(breakpointSchema).optional(),
});

/** All of a run that is not pixels or tensors: its folder's `run.json`. */
export type RunRecord = Pick<z.output<typeof runFileSchema>, 'at' | 'job'>;

export const runFileName = 'run.json';

export function formatRunFile(record: RunRecord): string {
  return JSON.stringify({ version: 1, ...record } satisfies z.input<typeof runFileSchema>);
}

/** Null when there is none that can be read. */
export async function readRunFile(path: string): Promise<RunRecord | null> {
  try {
    const { at, job, breakpoints } = runFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return { at, job: breakpoints === undefined ? job : { ...job, breakpoints } };
  } catch {
    return null;
  }
}
