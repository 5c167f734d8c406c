import { pointsAt, shareOf } from './guidanceCurve.ts';
import type { GenerationRequest, LoraCurve, SteeringEntry } from './generation.ts';
import { type LoraTag, promptsOf, readLoraTags, takesLoraTags } from './loraTags.ts';

/** A LoRA in a run, wherever it was called. */
export interface PlannedLora {
  readonly name: string;
  readonly strength: number;
  /** For the text encoders; it follows no curve: the texts would have to be encoded at every step. */
  readonly textStrength: number;
  readonly curve: LoraCurve;
}

type Steered = NonNullable<SteeringEntry['steering']['loras']>[number];

/**
 * The LoRAs of a run by name, in the order they are called: the request's list, and what the tags of the prompts in use add to it.
 * A steering says what the sum is from then on; where the request has no strength of its own for the text encoders, they follow.
 * @param request with the prompts as they read now
 * @param log what was steered by now
 * @throws StopbathError `INVALID_INPUT` for a tag that cannot be read.
 */
export function plannedLoras(request: GenerationRequest, log: readonly SteeringEntry[]): PlannedLora[] {
  const planned = new Map<string, PlannedLora>();
  for (const { name, strength, textStrength, curve } of request.loras) {
    planned.set(name, { name, strength, textStrength: textStrength ?? strength, curve });
  }
  for (const tag of tagsOf(request)) planned.set(tag.name, withTag(planned.get(tag.name), tag));
  const steered = new Map<string, Steered>();
  for (const { steering } of log) for (const change of steering.loras ?? []) steered.set(change.name, change);
  for (const [name, { strength, curve }] of steered) {
    const own = request.loras.find((lora) => lora.name === name)?.textStrength ?? null;
    planned.set(name, { name, strength, textStrength: own ?? strength, curve: curve ?? { kind: 'constant' } });
  }
  return [...planned.values()];
}

function tagsOf(request: GenerationRequest): readonly LoraTag[] {
  if (!takesLoraTags(request)) return [];
  // What is steered to later has no say yet.
  const prompts = promptsOf({ ...request, steering: [] });
  // The same tag in several prompts of a batch is one wish.
  const seen = new Set<string>();
  return prompts.flatMap(({ field, text }) => {
    const { tags } = readLoraTags(text, field);
    const fresh = tags.filter(({ name }) => !seen.has(name));
    for (const { name } of tags) seen.add(name);
    return fresh;
  });
}

function withTag(before: PlannedLora | undefined, { name, strength, textStrength }: LoraTag): PlannedLora {
  if (before === undefined) return { name, strength, textStrength, curve: { kind: 'constant' } };
  const curve: LoraCurve =
    before.curve.kind === 'constant' ? before.curve : { kind: 'points', points: before.curve.points.map((point) => ({ ...point, strength: point.strength + strength })) };
  return { name, strength: before.strength + strength, textStrength: before.textStrength + textStrength, curve };
}

/** A LoRA's strength in the UNet at a step. @param stepIndex 0-based among the `numTimesteps` steps of the run */
export function loraStrengthAt({ strength, curve }: Pick<PlannedLora, 'strength' | 'curve'>, stepIndex: number, numTimesteps: number): number {
  if (curve.kind === 'constant') return strength;
  const points = curve.points.map((point) => ({ at: point.at, scale: point.strength }));
  return pointsAt({ kind: 'points', points, smooth: false }, shareOf(stepIndex, numTimesteps));
}

/** The prompts of a request as the text encoders read them: without the tags. */
export function withoutLoraTags(request: GenerationRequest): GenerationRequest {
  if (!takesLoraTags(request)) return request;
  const strip = <Text extends string | null>(text: Text, field: string): Text | string => (text === null ? text : readLoraTags(text, field).text);
  return {
    ...request,
    prompt: strip(request.prompt, 'prompt'),
    negativePrompt: strip(request.negativePrompt, 'negativePrompt'),
    morePrompts: request.morePrompts.map((text) => strip(text, 'morePrompts')),
    prompt2: strip(request.prompt2, 'prompt2'),
    negativePrompt2: strip(request.negativePrompt2, 'negativePrompt2'),
  };
}
