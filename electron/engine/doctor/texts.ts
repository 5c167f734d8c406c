import { StopbathError } from '../../../shared/errors.ts';
import { hasFirstEncoder } from '../pipelines/stableDiffusionXL.ts';
import type { PartName } from '../pipelines/layout.ts';
import { openTokenizer, tokenizerAssumed, type TokenizerName } from '../pipelines/vocabulary.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import type { EncodedPrompt } from '../text/promptEncoding.ts';
import { createSdEncoding } from '../text/sdEncoding.ts';
import { createSdxlEncoding, type SdxlEncoder } from '../text/sdxlEncoding.ts';
import type { PromptTokenizer } from '../text/tokenizer.ts';
import { type Case, onDeviceOrCpu } from './case.ts';

export interface ExaminedText {
  /** null where it could not be encoded. */
  readonly encoded: EncodedPrompt | null;
  /** Outputs of the encoders that opened, by part. */
  readonly outputs: Readonly<Record<string, { readonly outputs: readonly TensorSpec[] }>>;
}

const pairs: readonly (readonly [PartName, TokenizerName])[] = [
  ['text_encoder', 'tokenizer'],
  ['text_encoder_2', 'tokenizer_2'],
];

/** The encoders a model must have. */
export function textParts({ layout }: Pick<Case, 'layout'>): readonly PartName[] {
  if (layout.family === 'sd') return ['text_encoder'];
  return hasFirstEncoder(layout) ? ['text_encoder', 'text_encoder_2'] : ['text_encoder_2'];
}

/** Tokenizers and text encoders: encodes one short prompt through both. */
export async function examineTexts(example: Case): Promise<ExaminedText> {
  const { findings, layout, files } = example;
  const wanted = pairs.filter(([part]) => textParts(example).includes(part));
  const tokenizers: (PromptTokenizer | null)[] = [];
  for (const [part, name] of wanted) {
    tokenizers.push(await findings.attempt(name, () => openTokenizer(layout.folder, name, part)));
    const assumed = await tokenizerAssumed(layout.folder, name);
    if (assumed !== null) findings.add('note', assumed.code, name, assumed.message, assumed.remedy);
  }
  const sessions: [PartName, ModelSession][] = [];
  try {
    for (const [part] of wanted) {
      const file = files.get(part);
      const session = file === undefined ? null : await findings.attempt(part, () => onDeviceOrCpu(example, part, (open) => open(file.file)));
      if (session !== null) sessions.push([part, session]);
    }
    const outputs = Object.fromEntries(sessions.map(([part, session]) => [part, { outputs: session.outputs }]));
    if (sessions.length < wanted.length || tokenizers.includes(null)) return { encoded: null, outputs };
    noteIds(example, sessions);
    const encoders = sessions.flatMap(([, session], index): SdxlEncoder[] => {
      const tokenizer = tokenizers[index] ?? null;
      return tokenizer === null ? [] : [{ session, tokenizer }];
    });
    const last = sessions.at(-1)?.[0] ?? 'text_encoder';
    return { encoded: await findings.attempt(last, () => encode(example, encoders)), outputs };
  } finally {
    for (const [, session] of sessions) await session.release();
  }
}

/** A text with a common word, a rare sign and both ends: ids over all of a vocabulary. */
const text = 'a photo of a house by the sea, 42 ~';

function encode({ layout }: Case, [first, ...others]: readonly SdxlEncoder[]): Promise<EncodedPrompt> {
  if (first === undefined) throw new StopbathError({ code: 'INTERNAL', message: 'There is no text encoder.' });
  const prompts = layout.family === 'sd' ? createSdEncoding(first.tokenizer, first.session) : createSdxlEncoding([first, ...others]);
  return prompts.encode(text, { syntax: 'plain', clipSkip: 0, chunks: 1 });
}

function noteIds({ findings, layout }: Case, sessions: readonly (readonly [PartName, ModelSession])[]): void {
  const old = sessions.filter(([, { inputs }]) => inputs.some(({ type }) => type === 'int32')).map(([part]) => part);
  if (old.length > 0) findings.add('note', 'OLD_EXPORT', old[0] ?? '', `Token numbers have 32 bits (${old.join(', ')}), as in exports before November 2024. That works.`);
  if (layout.family === 'sd') {
    findings.add('note', 'CLIP_SKIP_MISSING', 'text_encoder', 'The text encoder was exported with its last layer only, so clip skip cannot be used.');
  }
}
