import { StopbathError, toFailure } from '../../../shared/errors.ts';
import type { createSerial } from '../files.ts';
import { createHasher } from './hasher.ts';
import type { ModelRecords } from './modelRecords.ts';
import type { StoredModel } from './modelsFile.ts';
import { goneFailure, isUpToDate, readModel, unreadModel, type ReadModelDeps, type UnreadModel } from './readModel.ts';
import { hashFiles, stampOf, weightFiles } from './weights.ts';

export interface ModelUpkeepOptions extends ReadModelDeps {
  readonly records: ModelRecords;
  /** Changes of the records, one after the other. */
  readonly inTurn: ReturnType<typeof createSerial>;
  readonly save: () => Promise<void>;
  readonly tell: () => void;
}

/** Keeps what is remembered of models true: files that have changed are read again, and what was read is hashed. */
export interface ModelUpkeep {
  /** Reads a model and takes it down; one at a time, which is the caller's to see to. @throws StopbathError what is wrong with it. */
  read(unread: UnreadModel): Promise<void>;
  /** As {@link read}; one that cannot be read is taken down as that: it takes room on the disk, and is there to be seen and removed. */
  readOrNote(unread: UnreadModel): Promise<void>;
  /** Takes down what was read, or what needs no reading. */
  put(stored: StoredModel): Promise<void>;
  /**
   * Looks whether a model is where it was, and what it was. One that has changed is read again.
   * @param isWaited whether the reading is waited for: a run needs it, a list does not
   */
  check(id: string, isWaited: boolean): Promise<void>;
  /** Before it is removed. */
  forget(id: string): void;
  close(): void;
}

export function createModelUpkeep({ records, inTurn, save, tell, ...deps }: ModelUpkeepOptions): ModelUpkeep {
  const hasher = createHasher();
  const reading = new Map<string, Promise<void>>();
  /** Stamps of files that could not be read: a list does not try again before they change. */
  const unreadable = new Map<string, string>();
  let isClosed = false;

  const hash = (id: string): void => {
    const stored = records.find(id);
    if (stored === undefined || isClosed || stored.hash?.stamp === stored.stamp) return;
    hasher.add(id, async (signal) => {
      const files = await weightFiles(stored.path, stored.origin);
      if (files.length === 0) return;
      const found = { stamp: stored.stamp, sha256: await hashFiles(files, signal) };
      const now = records.find(id);
      if (now?.stamp !== found.stamp) return;
      records.set({ ...now, hash: found });
      tell();
      await save();
    });
  };

  const put = async (stored: StoredModel): Promise<void> => {
    records.setRead(stored);
    await save();
    tell();
    hash(stored.id);
  };
  const read = async (unread: UnreadModel): Promise<void> => await put(await readModel(unread, deps));

  const noteUnreadable = async (id: string, error: unknown): Promise<void> => {
    const stored = records.of(id);
    unreadable.set(id, await stampOf(stored.path, stored.origin).catch(() => ''));
    records.setProblem(id, error instanceof StopbathError ? toFailure(error) : goneFailure(stored, error));
  };

  const readNow = async (id: string): Promise<void> => {
    const stored = records.find(id);
    if (stored === undefined || isClosed) return;
    try {
      await read(stored);
      unreadable.delete(id);
    } catch (error) {
      await noteUnreadable(id, error);
    }
  };

  /** Once at a time, however often it is asked for meanwhile. */
  const readAgain = (id: string): Promise<void> => {
    const going = reading.get(id);
    if (going !== undefined) return going;
    const started = inTurn(() => readNow(id)).finally(() => reading.delete(id));
    reading.set(id, started);
    return started;
  };

  return {
    read,
    readOrNote: async (unread) => {
      try {
        await read(unread);
      } catch (error) {
        await put(await unreadModel(unread));
        await noteUnreadable(unread.id, error);
      }
    },
    put,
    check: async (id, isWaited) => {
      const stored = records.of(id);
      const state = await isUpToDate(stored).catch((error: unknown) => goneFailure(stored, error));
      if (records.find(id) !== stored) return;
      if (typeof state !== 'boolean') records.setProblem(id, state);
      else if (state) {
        unreadable.delete(id);
        records.setProblem(id, null);
        hash(id);
      } else if (isWaited) await readAgain(id);
      else if (unreadable.get(id) !== (await stampOf(stored.path, stored.origin).catch(() => ''))) void readAgain(id);
    },
    forget: (id) => {
      hasher.cancel(id);
      unreadable.delete(id);
    },
    close: () => {
      isClosed = true;
      hasher.close();
    },
  };
}
