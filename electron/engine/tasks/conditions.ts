import { StopbathError } from '../../../shared/errors.ts';
import { batchSize, type GenerationRequest } from '../../../shared/generation.ts';
import { withoutLoraTags } from '../../../shared/loraPlan.ts';
import type { RunWarning } from '../../../shared/runWarning.ts';
import type { StepTensors } from '../callbacks/callback.ts';
import type { ScheduledPrompt } from '../callbacks/promptSchedule.ts';
import { guidanceEmbedding } from '../guidance/guidanceEmbedding.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { concatRows, type Tensor, zeros } from '../tensor/tensor.ts';
import type { EncodedPrompt } from '../text/promptEncoding.ts';
import { type PromptSchedule, readPromptSchedule } from '../text/schedule.ts';
import type { Warn } from '../warn.ts';
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

/** The fields of the request that one prompt comes from: for the first or only text encoder, and for the second. */
type Fields = readonly [first: string, second: string];

/** What one prompt says at every step, to both text encoders. */
interface Wording {
  readonly fields: Fields;
  readonly schedule: PromptSchedule;
  readonly texts: readonly { readonly text: string; readonly prompt2: string | null }[];
}

/**
 * Encodes every text a run will need before it begins.
 * @param numTimesteps the steps of the run; schedules of prompts are read against them
 * @param mayGoOn asked before every text; null comes back once it has said no
 * @throws StopbathError `INVALID_INPUT` naming a prompt of more chunks than the model takes, and as `PromptEncoding.encode` does.
 */
export async function encodeConditions(
  request: GenerationRequest,
  pipeline: Pipeline,
  numTimesteps: number,
  warn: Warn,
): Promise<Conditions>;
export async function encodeConditions(
  request: GenerationRequest,
  pipeline: Pipeline,
  numTimesteps: number,
  warn: Warn,
  mayGoOn: () => Promise<boolean>,
): Promise<Conditions | null>;
export async function encodeConditions(
  given: GenerationRequest,
  pipeline: Pipeline,
  numTimesteps: number,
  warn: Warn,
  mayGoOn: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<Conditions | null> {
  const request = withoutLoraTags(given);
  const { promptSyntax: syntax, imagesPerPrompt } = request;
  const read = (fields: Fields, text: string, text2: string | null): Wording => {
    const second = text2 === null ? null : readPromptSchedule(text2, syntax, numTimesteps);
    return wordingOf(fields, readPromptSchedule(text, syntax, numTimesteps), second, numTimesteps);
  };
  const wordings = [request.prompt, ...request.morePrompts].map((text, index) =>
    read([index === 0 ? 'prompt' : `morePrompts.${index - 1}`, 'prompt2'], text, request.prompt2),
  );
  const opposite = read(['negativePrompt', 'negativePrompt2'], request.negativePrompt ?? '', request.negativePrompt2);
  // One width for all: rows of a batch and both sides of guidance are one tensor in the end.
  const chunks = chunksFor([...wordings, opposite], syntax, pipeline);
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
  const isZero = request.negativePrompt === null && pipeline.forceZerosForEmptyPrompt;
  const negative = repeated(isZero ? zeroed(encoded) : encoded, rows.length);
  const fixed = fixedTensors(request, pipeline);
  return { positive: rows, negative, at: (stepIndex) => ({ ...tensorsAt(rows, negative, stepIndex), ...fixed }) };
}

/** As many as the longest prompt fills, or the number a UNet was exported for; told before a step is run, not by the model in the middle of one. */
function chunksFor(wordings: readonly Wording[], syntax: GenerationRequest['promptSyntax'], { prompts, unet, modelName }: Pipeline): number {
  const counted = wordings.flatMap(({ fields: [first, second], texts }) =>
    texts.flatMap(({ text, prompt2 }) => [
      { field: first, chunks: prompts.chunksOf(text, syntax) },
      ...(prompt2 === null ? [] : [{ field: second, chunks: prompts.chunksOf(prompt2, syntax) }]),
    ]),
  );
  const longest = counted.reduce((most, one) => (one.chunks > most.chunks ? one : most));
  if (unet.tokens === null) return longest.chunks;
  // Begin and end are rows too.
  const size = prompts.count('', syntax).chunkSize;
  const most = Math.max(1, Math.floor(unet.tokens / (size + 2)));
  if (longest.chunks <= most) return most;
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: longest.field,
    message: `${longest.field}: fills ${longest.chunks} chunks of ${size} tokens; ${modelName} was exported for ${most}.`,
    nextStep: 'Shorten it, or read it as plain text, which leaves out what does not fit.',
  });
}

function repeated<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value);
}

/** Two schedules as one of pairs, without the pairs that never meet. */
function wordingOf(fields: Fields, first: PromptSchedule, second: PromptSchedule | null, numTimesteps: number): Wording {
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
  return { fields, schedule, texts };
}

async function encodeWording(
  { fields, schedule, texts }: Wording,
  request: GenerationRequest,
  { prompts }: Pipeline,
  { chunks, warn, mayGoOn }: { chunks: number; warn: Warn; mayGoOn: () => Promise<boolean> },
): Promise<ScheduledPrompt | null> {
  // diffusers leaves out no layers for the negative prompt.
  const clipSkip = fields[0] === 'negativePrompt' ? 0 : request.clipSkip;
  const variants: EncodedPrompt[] = [];
  for (const { text, prompt2 } of texts) {
    if (!(await mayGoOn())) return null;
    const encoded = await prompts.encode(text, { syntax: request.promptSyntax, clipSkip, chunks, prompt2 });
    const counts = [encoded.count, ...(prompt2 === null ? [] : [prompts.count(prompt2, request.promptSyntax)])];
    for (const [index, { cut, cutText }] of counts.entries()) {
      if (cut > 0) warn(tooLong(fields[index] ?? '', cut, cutText));
    }
    variants.push(encoded);
  }
  return { schedule, variants };
}

function tooLong(field: string, cut: number, cutText: string): RunWarning {
  const message = `${spoken(field)} is too long for this model: ${cut} tokens are left out: "${cutText}".`;
  return { code: 'PROMPT_CUT', message, nextStep: 'Shorten it, or let prompts be read as A1111 or ComfyUI do, in chunks.' };
}

function spoken(field: string): string {
  const further = /^morePrompts\.(\d+)$/.exec(field)?.[1];
  if (further !== undefined) return `Prompt ${Number(further) + 2}`;
  const which = field.startsWith('negative') ? 'negative prompt' : 'prompt';
  return field.endsWith('2') ? `The ${which} for the second text encoder` : `The ${which}`;
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
