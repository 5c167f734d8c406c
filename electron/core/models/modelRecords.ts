import type { Failure } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/models.ts';
import { listedModel } from './listedModel.ts';
import { modelNotFound } from './models.ts';
import type { StoredModel } from './modelsFile.ts';

/** What is remembered of each model, and what is wrong with it now. */
export interface ModelRecords {
  /** In the order they were added. */
  all(): StoredModel[];
  find(id: string): StoredModel | undefined;
  /** @throws StopbathError `MODEL_NOT_FOUND` */
  of(id: string): StoredModel;
  set(stored: StoredModel): void;
  /** Tells when it is another than before. */
  setProblem(id: string, problem: Failure | null): void;
  /** It was read just now: nothing is wrong with it. */
  setRead(stored: StoredModel): void;
  delete(id: string): void;
  /** As the person sees it. */
  listed(stored: StoredModel): Model;
}

/** @param tell called when what is wrong with a model has changed */
export function createModelRecords(tell: () => void): ModelRecords {
  const models = new Map<string, StoredModel>();
  const problems = new Map<string, Failure>();
  return {
    all: () => [...models.values()],
    find: (id) => models.get(id),
    of: (id) => {
      const stored = models.get(id);
      if (stored === undefined) throw modelNotFound(id);
      return stored;
    },
    set: (stored) => void models.set(stored.id, stored),
    setProblem: (id, problem) => {
      const before = problems.get(id);
      if (problem === null) problems.delete(id);
      else problems.set(id, problem);
      if (before?.message !== problem?.message) tell();
    },
    setRead: (stored) => {
      models.set(stored.id, stored);
      problems.delete(stored.id);
    },
    delete: (id) => {
      models.delete(id);
      problems.delete(id);
    },
    listed: (stored) => listedModel(stored, problems.get(stored.id) ?? null),
  };
}
