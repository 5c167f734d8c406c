import { StopbathError } from '../../../shared/errors.ts';
import { batchSize, type GenerationRequest } from '../../../shared/generation.ts';
import type { StepTensors } from '../callbacks/callback.ts';
import type { ScheduledPrompt } from '../callbacks/promptSchedule.ts';
import { guidanceEmbedding } from '../guidance/guidanceEmbedding.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { concatRows, type Tensor, zeros } from '../tensor/tensor.ts';
import type { EncodedPrompt } from '../text/promptEncoding.ts';
import { type PromptSchedule, readPromptSchedule } from '../text/schedule.ts';
import { timeIds } from './timeIds.ts';

/** Everything the model is told beside the sample, by tensor name; B rows each. */
export type ConditionTensors = StepTensors & { readonly prompt_embeds: Tensor; readonly negative_prompt_embeds: Tensor };

export interface Conditions {
  /** A row a picture of the batch, with the encodings of every text it ever takes. */
  readonly positive: readonly ScheduledPrompt[];
  readonly negative: readonly ScheduledPrompt[];
  /** As a 0-based step of the run finds them. */
  at(stepIndex: number): ConditionTensors;
}

export function isScheduled({ positive, negative }: Conditions): boolean {
  return [...positive, ...negative].some(({ variants }) => variants.length > 1);
}

/** What one prompt says at every step, to both text encoders. */
interface Wording {
  readonly name: 'prompt' | 'negative prompt';
  readonly schedule: PromptSchedule;
  readonly texts: readonly { readonly text: string; readonly prompt2: string | null }[];
}

/**
 * Encodes every text a run will need before it begins.
 * @param numTimesteps the steps of the run; schedules of prompts are read against them
 * @param mayGoOn asked before every text; null comes back once it has said no
 * @throws StopbathError as `PromptEncoding.encode` does.
 */
export async function encodeConditions(
  request: GenerationRequest,
  pipeline: Pipeline,
  numTimesteps: number,
  warn: (text: string) => void,
): Promise<Conditions>;
export async function encodeConditions(
  request: GenerationRequest,
  pipeline: Pipeline,
  numTimesteps: number,
  warn: (text: string) => void,
  mayGoOn: () => Promise<boolean>,
): Promise<Conditions | null>;
export async function encodeConditions(
  request: GenerationRequest,
  pipeline: Pipeline,
  numTimesteps: number,
  warn: (text: string) => void,
  mayGoOn: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<Conditions | null> {
  const { promptSyntax: syntax, imagesPerPrompt } = request;
  const read = (name: Wording['name'], text: string, text2: string | null): Wording => {
    const second = text2 === null ? null : readPromptSchedule(text2, syntax, numTimesteps);
    return wordingOf(name, readPromptSchedule(text, syntax, numTimesteps), second, numTimesteps);
  };
  const wordings = [request.prompt, ...request.morePrompts].map((text) => read('prompt', text, request.prompt2));
  const opposite = read('negative prompt', request.negativePrompt ?? '', request.negativePrompt2);
  const all = [...wordings, opposite].flatMap(({ texts }) => texts.flatMap(({ text, prompt2 }) => [text, prompt2 ?? text]));
  // One width for all: rows of a batch and both sides of guidance are one tensor in the end.
  const chunks = Math.max(...all.map((text) => pipeline.prompts.chunksOf(text, syntax)));
  const encode = (wording: Wording): Promise<ScheduledPrompt | null> => encodeWording(wording, request, pipeline, { chunks, warn, mayGoOn });
  const rows: ScheduledPrompt[] = [];
  // Each prompt's pictures stand together: p0, p0, p1, p1.
  for (const wording of wordings) {
    const row = await encode(wording);
    if (row === null) return null;
    rows.push(...repeated(row, imagesPerPrompt));
  }
  const encoded = await encode(opposite);
  if (encoded === null) return null;
  requireTaken(encoded, pipeline);
  const isZero = request.negativePrompt === null && pipeline.forceZerosForEmptyPrompt;
  const negative = repeated(isZero ? zeroed(encoded) : encoded, rows.length);
  const fixed = fixedTensors(request, pipeline);
  return { positive: rows, negative, at: (stepIndex) => ({ ...tensorsAt(rows, negative, stepIndex), ...fixed }) };
}

/** Told before a step is run, not by the model in the middle of one. */
function requireTaken({ variants }: ScheduledPrompt, { unet, modelName }: Pipeline): void {
  const tokens = variants[0]?.embeds.dims[1] ?? 0;
  if (unet.tokens === null || tokens === unet.tokens) return;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'prompt',
    message: `prompt: ${modelName} was exported for prompts of ${unet.tokens} tokens; these need ${tokens}.`,
    nextStep: 'Shorten the prompt, or set the syntax to plain, which cuts it.',
  });
}

function repeated<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value);
}

/** Two schedules as one of pairs, without the pairs that never meet. */
function wordingOf(name: Wording['name'], first: PromptSchedule, second: PromptSchedule | null, numTimesteps: number): Wording {
  const places = new Map<string, number>();
  const texts: Wording['texts'][number][] = [];
  const byStep = Array.from({ length: numTimesteps }, (_, step) => {
    const [index, index2] = [first.at(step), second?.at(step) ?? 0];
    const key = `${index} ${index2}`;
    const place = places.get(key) ?? texts.length;
    if (!places.has(key)) texts.push({ text: first.texts[index] ?? '', prompt2: second?.texts[index2] ?? null });
    places.set(key, place);
    return place;
  });
  const schedule: PromptSchedule = {
    texts: texts.map(({ text, prompt2 }) => `${text} ${prompt2 ?? ''}`),
    at: (stepIndex) => byStep[Math.min(stepIndex, numTimesteps - 1)] ?? 0,
  };
  return { name, schedule, texts };
}

async function encodeWording(
  { name, schedule, texts }: Wording,
  request: GenerationRequest,
  { prompts }: Pipeline,
  { chunks, warn, mayGoOn }: { chunks: number; warn: (text: string) => void; mayGoOn: () => Promise<boolean> },
): Promise<ScheduledPrompt | null> {
  // diffusers leaves out no layers for the negative prompt.
  const clipSkip = name === 'prompt' ? request.clipSkip : 0;
  const variants: EncodedPrompt[] = [];
  for (const { text, prompt2 } of texts) {
    if (!(await mayGoOn())) return null;
    const encoded = await prompts.encode(text, { syntax: request.promptSyntax, clipSkip, chunks, prompt2 });
    const { cut, cutText } = encoded.count;
    if (cut > 0) warn(`The ${name} is too long for this model: ${cut} tokens are left out: ${cutText}`);
    variants.push(encoded);
  }
  return { schedule, variants };
}

function zeroed({ schedule, variants }: ScheduledPrompt): ScheduledPrompt {
  return {
    schedule,
    variants: variants.map(({ embeds, pooled }) => ({ embeds: zeros(embeds.dims), pooled: pooled === null ? null : zeros(pooled.dims) })),
  };
}

function tensorsAt(positive: readonly ScheduledPrompt[], negative: readonly ScheduledPrompt[], stepIndex: number): ConditionTensors {
  const at = (rows: readonly ScheduledPrompt[]): { embeds: Tensor; pooled: Tensor | null } => {
    const now = rows.flatMap(({ schedule, variants }) => variants[schedule.at(stepIndex)] ?? []);
    const pooled = now.flatMap((row) => (row.pooled === null ? [] : [row.pooled]));
    return { embeds: concatRows(now.map(({ embeds }) => embeds)), pooled: pooled.length === 0 ? null : concatRows(pooled) };
  };
  const [own, opposite] = [at(positive), at(negative)];
  return {
    prompt_embeds: own.embeds,
    negative_prompt_embeds: opposite.embeds,
    ...(own.pooled === null || opposite.pooled === null
      ? {}
      : { add_text_embeds: own.pooled, negative_add_text_embeds: opposite.pooled }),
  };
}

function fixedTensors(request: GenerationRequest, { family, requiresAestheticsScore, unet }: Pipeline): StepTensors {
  const rows = batchSize(request);
  const ids = family === 'sdxl' ? timeIds(request, requiresAestheticsScore, rows) : null;
  return {
    ...(ids === null ? {} : { add_time_ids: ids.positive, negative_add_time_ids: ids.negative }),
    ...(unet.guidanceWidth === null ? {} : { w_embedding: guidanceEmbedding(request.guidanceScale, unet.guidanceWidth, rows) }),
  };
}
