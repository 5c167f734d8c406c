import { readFile, rename } from 'node:fs/promises';
import { z } from 'zod';
import type { Failure } from '../../shared/errors.ts';
import { generationRequestSchema } from '../../shared/generation.ts';
import { breakpointSchema } from '../../shared/job.ts';
import { createSerial, isMissing, type FileWriter } from './files.ts';

const storedJobSchema = z.object({
  jobId: z.string().regex(/^[\w-]{1,64}$/),
  request: generationRequestSchema,
  breakpoints: z.array(breakpointSchema).default([]),
});
export type StoredJob = z.output<typeof storedJobSchema>;

const queueSchema = z.object({
  /** 1 knew no input pictures; its requests take the defaults. */
  version: z.union([z.literal(1), z.literal(2)]),
  queued: z.array(storedJobSchema),
  /** Was running when the app ended. What it had reached is with its steps; without them this says that it was there. */
  interrupted: z.array(storedJobSchema),
});
export type StoredQueue = Pick<z.output<typeof queueSchema>, 'queued' | 'interrupted'>;

/** The work not done yet, for the next start of the app. */
export interface QueueFile {
  read(): Promise<StoredQueue>;
  /** Saves what `current` says by the time it is this save's turn. Rejects when the disk does not take it. */
  save(current: () => StoredQueue): Promise<void>;
}

export function createQueueFile(file: string, write: FileWriter, onNotice: (failure: Failure) => void): QueueFile {
  const serially = createSerial();
  let waiting: Promise<void> | null = null;
  return {
    read: async () => {
      try {
        return queueSchema.parse(JSON.parse(await readFile(file, 'utf8')));
      } catch (error) {
        // A damaged queue is no reason not to start; it is kept beside the new one.
        if (!isMissing(error)) onNotice(await setAside(file, error));
        return { queued: [], interrupted: [] };
      }
    },
    save: (current) => {
      waiting ??= serially(async () => {
        waiting = null;
        await write(file, JSON.stringify({ version: 2, ...current() } satisfies z.input<typeof queueSchema>));
      });
      return waiting;
    },
  };
}

async function setAside(file: string, cause: unknown): Promise<Failure> {
  const aside = `${file}.broken`;
  await rename(file, aside).catch(() => undefined);
  return {
    code: 'FILE_ACCESS',
    message: `The queue of the last time could not be read and has been set aside as ${aside}; the queue is empty now.`,
    nextStep: 'Add to the queue again what was waiting.',
    detail: cause instanceof Error ? cause.message : String(cause),
  };
}
