import type { EngineCommand, EngineMessage, OpenedCheckpoint } from '../../shared/engineProtocol.ts';
import { assertNever, toFailure } from '../../shared/errors.ts';
import { clipVocabularyFile } from './assets.ts';
import type { Examination } from './doctor/examine.ts';
import type { EngineOptions } from './engineOptions.ts';

/** What is asked of the engine beside its runs. */
export type EngineQuestion = Extract<EngineCommand, { kind: 'examine' | 'open-checkpoint' | 'read-adapter' }>;

/**
 * The answer to a question. Never rejects: what cannot be answered is answered with its failure. The modules behind them are loaded when
 * they are asked for first: most engines never need them.
 */
export async function answerQuestion(question: EngineQuestion, options: EngineOptions): Promise<EngineMessage> {
  try {
    return await answer(question, options);
  } catch (error) {
    return { kind: 'question-failed', requestId: question.requestId, failure: toFailure(error) };
  }
}

async function answer(question: EngineQuestion, options: EngineOptions): Promise<EngineMessage> {
  const { requestId } = question;
  switch (question.kind) {
    case 'open-checkpoint':
      return { kind: 'checkpoint-opened', requestId, opened: await open(question) };
    case 'examine':
      return { kind: 'examined', requestId, report: await examineModel(question, options) };
    case 'read-adapter': {
      const { readAdapter } = await import('./graph/readAdapter.ts');
      return { kind: 'adapter-read', requestId, adapter: await readAdapter(question.file) };
    }
    default:
      return assertNever(question);
  }
}

async function examineModel(
  { modelFolder, provider: choice }: Extract<EngineQuestion, { kind: 'examine' }>,
  { devices, openSession, cacheFolder }: EngineOptions,
): Promise<Examination> {
  const { examine } = await import('./doctor/examine.ts');
  const { provider } = await devices.resolve(choice, modelFolder);
  return examine(modelFolder, {
    provider,
    openSession: (file) => openSession(file, provider),
    openOnCpu: provider === 'cpu' ? null : (file) => openSession(file, 'cpu'),
    cacheFolder: cacheFolder ?? null,
  });
}

async function open({ path, store, overrides, placement }: Extract<EngineQuestion, { kind: 'open-checkpoint' }>): Promise<OpenedCheckpoint> {
  const { openCheckpoint } = await import('./graph/openCheckpoint.ts');
  const { predictionType } = overrides;
  const { folder, facts } = await openCheckpoint(path, {
    store,
    vocabulary: clipVocabularyFile(),
    overrides: predictionType === undefined ? {} : { predictionType },
    ...(placement === undefined ? {} : { placement }),
  });
  const { family, tasks, defaultSize } = facts;
  return {
    folder,
    family: family.startsWith('sdxl') ? 'sdxl' : 'sd',
    tasks: [...tasks],
    predictionType: facts.predictionType.value,
    ...defaultSize.value,
    // Only Stable Diffusion 2 comes in both kinds; elsewhere noise is what nearly all models predict.
    uncertain: family === 'sd2' && !facts.predictionType.certain ? ['predictionType'] : [],
  };
}
