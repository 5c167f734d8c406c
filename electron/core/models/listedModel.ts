import { StopbathError, type Failure } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/models.ts';
import type { ModelEdits, StoredModel } from './modelsFile.ts';
import { isBeside } from './openedFolders.ts';

/** A stored model as the interface sees it. @param problem why it cannot be used now */
export function listedModel(stored: StoredModel, problem: Failure | null): Model {
  const { id, name, origin, path, own, edits, facts, bytes, stamp, hash } = stored;
  return {
    ...facts,
    id,
    name: edits.name ?? name,
    description: '',
    builtIn: false,
    origin,
    examplePrompts: [],
    // Over checkpoints the graph is ours.
    takesLoras: origin !== 'onnx',
    path,
    isOwn: own !== null,
    bytes,
    hash: hash?.stamp === stamp ? hash.sha256 : null,
    repo: own === null ? null : { id: own.repo, revision: own.revision },
    // What a person has said is certain.
    uncertain: facts.uncertain.filter((field) => !(field in edits)),
    graphs: graphsOf(stored),
    problem,
  };
}

function graphsOf({ origin, path, folder, edits }: StoredModel): Model['graphs'] {
  if (origin === 'onnx' || folder === path) return null;
  if (isBeside(folder)) return 'beside';
  return edits.placement === 'copy' ? 'copied' : 'store';
}

/** For what would take files away from under a run. */
export function inUseFailure({ name }: Pick<Model, 'name'>): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    message: `A run uses ${name}, or waits for it.`,
    nextStep: 'Wait until its runs have ended, or take them out of the queue.',
  });
}

/** @throws StopbathError `INVALID_INPUT` for a copy of what is no checkpoint. */
export function checkPlacement(origin: StoredModel['origin'], { placement }: Pick<ModelEdits, 'placement'>): void {
  if (placement === undefined || origin !== 'onnx') return;
  throw new StopbathError({ code: 'INVALID_INPUT', message: 'placement: an ONNX model is used where it lies.', field: 'placement' });
}

/** @throws StopbathError `INVALID_INPUT` for what cannot be said of this model. */
export function checkEdit(model: Model, change: ModelEdits): void {
  if (model.builtIn) throw new StopbathError({ code: 'INVALID_INPUT', message: `${model.name} is built in and cannot be changed.` });
  const isOnnx = model.origin === 'onnx';
  const field = (['family', 'isInpaint', 'predictionType'] as const).find((name) => change[name] !== undefined && (isOnnx || name !== 'predictionType'));
  if (field === undefined) return;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    message: `${field}: the files of ${model.name} say it themselves.`,
    nextStep: isOnnx ? 'Correct its model_index.json or scheduler/scheduler_config.json.' : 'Only the prediction type may be open in such a file.',
    field,
  });
}
