import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StopbathError, toFailure } from '../../../shared/errors.ts';
import { clipVocabularyFile } from '../assets.ts';
import type { CheckpointOptions } from '../graph/checkpointOptions.ts';
import { openCheckpoint, type OpenedCheckpoint } from '../graph/openCheckpoint.ts';
import { type CheckpointPrediction, checkpointPredictions } from '../graph/readers/prediction.ts';
import type { Given } from './options.ts';
import { oneOf, refuse } from './values.ts';

const starterFolder = fileURLToPath(new URL('../../../assets/starter', import.meta.url));

/** The model of a command line. */
export interface ChosenModel {
  /** A standard model folder. */
  readonly folder: string;
  /** What the person should know before the run; a sentence each. */
  readonly notes: readonly string[];
}

/**
 * The folder of `--model`: itself, or what is written over a checkpoint (a .safetensors file, or a folder as diffusers saves it).
 * @param given left out: the built-in model
 * @throws ArgumentError for options a model takes no account of; StopbathError for a checkpoint that cannot be opened.
 */
export async function chooseModel(given: Given, env: NodeJS.ProcessEnv): Promise<ChosenModel> {
  const path = given.model === undefined ? starterFolder : resolve(given.model);
  const predictionType = oneOf<CheckpointPrediction>(given, 'prediction', checkpointPredictions);
  if (!(await isCheckpoint(path))) {
    for (const name of ['vae', 'prediction', 'copy'] as const) if (given[name] !== undefined) refuse(name, 'only for a .safetensors checkpoint or a diffusers folder.');
    return { folder: path, notes: [] };
  }
  const { folder, problems } = await openWithHint(path, {
    store: join(cacheFolder(env), 'checkpoints'),
    vocabulary: clipVocabularyFile(env),
    vae: given.vae === undefined ? null : resolve(given.vae),
    overrides: predictionType === null ? {} : { predictionType },
    placement: given.copy === true ? 'copy' : 'link',
  });
  return { folder, notes: problems.filter(({ kind }) => kind === 'prediction-guessed').map(({ message }) => `${message} (--prediction)`) };
}

/** Names the option that answers the question a failure asks. */
async function openWithHint(path: string, options: CheckpointOptions): Promise<OpenedCheckpoint> {
  try {
    return await openCheckpoint(path, options);
  } catch (error) {
    const failure = toFailure(error);
    if (failure.code !== 'NO_PLACE') throw error;
    throw new StopbathError({ ...failure, nextStep: `${(failure.nextStep ?? '').replace(/\.$/, '')} with --copy.` }, { cause: error });
  }
}

/** Any file, whose reader says what is wrong with it; a folder whose UNet is no ONNX file. */
async function isCheckpoint(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null) return false;
  if (!found.isDirectory()) return true;
  const names = await readdir(join(path, 'unet')).catch(() => []);
  return !names.some((name) => name.endsWith('.onnx')) && names.some((name) => name.startsWith('diffusion_pytorch_model'));
}

/** Where the system keeps what programs can make anew. */
function cacheFolder(env: NodeJS.ProcessEnv): string {
  const own = env['STOPBATH_CACHE_DIR'];
  if (own !== undefined && own !== '') return own;
  const base = process.platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_CACHE_HOME'];
  if (base !== undefined && base !== '') return join(base, 'stopbath');
  return join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'stopbath');
}
