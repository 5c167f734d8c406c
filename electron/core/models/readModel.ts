import { stat } from 'node:fs/promises';
import type { CheckpointOverrides, OpenedCheckpoint } from '../../../shared/engineProtocol.ts';
import type { Failure } from '../../../shared/errors.ts';
import { sweepUnfinished } from '../../system/unfinishedFolders.ts';
import type { EngineHost } from '../engineTask.ts';
import { systemCode } from '../files.ts';
import { appVersion } from '../version.ts';
import { sumBytes } from './folderBytes.ts';
import { filesOf } from './lookAtPath.ts';
import { readModelFacts } from './modelFacts.ts';
import type { StoredModel } from './modelsFile.ts';
import { stampOf } from './weights.ts';

export interface ReadModelDeps {
  readonly engine: Pick<EngineHost, 'openCheckpoint'>;
  /** Where the engine writes folders over checkpoints. */
  readonly store: string;
}

/** A model as it is remembered, without what its files say. */
export type UnreadModel = Omit<StoredModel, 'folder' | 'facts' | 'bytes' | 'stamp' | 'readBy'>;

/**
 * Everything that a model's files say; a checkpoint is opened by the engine.
 * @throws StopbathError what is wrong with them, in the reader's words; what the system says when they are not there.
 */
export async function readModel(unread: UnreadModel, { engine, store }: ReadModelDeps): Promise<StoredModel> {
  const { path, origin } = unread;
  const stamp = await stampOf(path, origin);
  const opened = origin === 'onnx' ? null : await openCheckpoint(unread, { engine, store });
  const folder = opened?.folder ?? path;
  const [facts, bytes] = await Promise.all([readModelFacts(folder, opened), filesOf(path, origin).then(sumBytes)]);
  return { ...unread, folder, facts, bytes, stamp, readBy: appVersion };
}

async function openCheckpoint({ path, edits }: UnreadModel, { engine, store }: ReadModelDeps): Promise<OpenedCheckpoint> {
  try {
    return await engine.openCheckpoint({ path, store, overrides: overridesOf(edits), ...(edits.placement === undefined ? {} : { placement: edits.placement }) });
  } finally {
    // The engine may have ended in the middle of a copy.
    await sweepUnfinished(store);
  }
}

function overridesOf({ predictionType }: StoredModel['edits']): CheckpointOverrides {
  return predictionType === undefined ? {} : { predictionType };
}

/** The same of a model that cannot be read: what models of its kind have, and a stamp that says it has not been read. */
export async function unreadModel(unread: UnreadModel): Promise<StoredModel> {
  const { path, origin } = unread;
  const [facts, files] = await Promise.all([readModelFacts(path), filesOf(path, origin).catch(() => [])]);
  return { ...unread, folder: path, facts, bytes: sumBytes(files), stamp: '', readBy: appVersion };
}

/** Whether what is remembered of a model still holds. @throws what the system says when its files are not there. */
export async function isUpToDate({ path, origin, folder, stamp, readBy }: StoredModel): Promise<boolean> {
  if ((await stampOf(path, origin)) !== stamp) return false;
  if (origin === 'onnx') return true;
  return readBy === appVersion && (await stat(folder).then(() => true, () => false));
}

/** Why a model that was there cannot be used now. */
export function goneFailure({ path }: Pick<StoredModel, 'path'>, error: unknown): Failure {
  const isGone = ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
  return {
    code: isGone ? 'MODEL_NOT_FOUND' : 'FILE_ACCESS',
    message: isGone ? `There is nothing at ${path} any more.` : `${path} cannot be read now.`,
    nextStep: isGone
      ? 'Put it back or connect its disk; if it was moved, remove this entry and add it from where it is now.'
      : 'Look whether its disk is connected and you may read it.',
    detail: error instanceof Error ? error.message : String(error),
  };
}
