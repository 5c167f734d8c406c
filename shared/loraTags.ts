import { StopbathError } from './errors.ts';
import type { GenerationRequest } from './generation.ts';

/** A LoRA as a prompt calls it. */
export interface LoraTag {
  readonly name: string;
  /** For the UNet. */
  readonly strength: number;
  /** For the text encoders. */
  readonly textStrength: number;
}

export interface TaggedPrompt {
  /** The prompt without its tags; nothing else of it is touched. */
  readonly text: string;
  /** In the order of the prompt; a name that stands there twice is here twice. */
  readonly tags: readonly LoraTag[];
}

export const maxLoraStrength = 4;

// As `<(\w+):([^>]+)>` of A1111's modules/extra_networks.py, with a bound so that open brackets cost no time.
const tagPattern = /<(?:lora|lyco):([^>]{1,400})>/g;

/**
 * Takes the LoRA tags out of a prompt, in A1111's grammar (extensions-builtin/Lora/extra_networks_lora.py): `<lora:name>` (strength 1),
 * `<lora:name:0.8>`, `<lora:name:0.8:0.6>` (text encoders first, then the UNet), `te=` and `unet=` by name. `<lyco:...>` is the same.
 * @param field names the prompt in the error
 * @throws StopbathError `INVALID_INPUT` when a tag has no name, or a strength is no number from -4 to 4.
 */
export function readLoraTags(prompt: string, field = 'prompt'): TaggedPrompt {
  const tags: LoraTag[] = [];
  const text = prompt.replace(tagPattern, (tag: string, inside: string) => {
    tags.push(readTag(tag, inside, field));
    return '';
  });
  return { text, tags };
}

/** What of a prompt is encoded; tags that cannot be read are left where they are. */
export function withoutLoraTags(prompt: string): string {
  try {
    return readLoraTags(prompt).text;
  } catch {
    return prompt;
  }
}

function readTag(tag: string, inside: string, field: string): LoraTag {
  const positional: string[] = [];
  const named = new Map<string, string>();
  for (const part of inside.split(':')) {
    const equals = part.indexOf('=');
    // The name comes first, and may have an equals sign in it.
    if (equals < 0 || positional.length === 0) positional.push(part.trim());
    else named.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const [name = '', text, unet, ...more] = positional;
  const unknown = [...named.keys()].find((key) => key !== 'te' && key !== 'unet') ?? more[0];
  if (name === '' || unknown !== undefined) {
    throw refusal(tag, field, unknown === undefined ? 'has no name' : `says ${JSON.stringify(unknown)}, which means nothing here`);
  }
  const textStrength = strengthOf(named.get('te') ?? text, 1, tag, field);
  return { name, textStrength, strength: strengthOf(named.get('unet') ?? unet, textStrength, tag, field) };
}

function strengthOf(text: string | undefined, fallback: number, tag: string, field: string): number {
  if (text === undefined) return fallback;
  const value = text === '' ? Number.NaN : Number(text);
  if (Math.abs(value) <= maxLoraStrength) return value;
  throw refusal(tag, field, `has ${JSON.stringify(text)} for a strength`);
}

function refusal(tag: string, field: string, what: string): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    message: `${field}: ${tag} ${what}.`,
    nextStep: `Write it like <lora:name:0.8>, with a strength from -${String(maxLoraStrength)} to ${String(maxLoraStrength)}.`,
    field,
  });
}

type Prompts = Pick<GenerationRequest, 'prompt' | 'negativePrompt' | 'morePrompts' | 'prompt2' | 'negativePrompt2' | 'promptSyntax' | 'steering'>;

/** Every prompt of a request, those it is steered to included, with the name of its field. */
export function promptsOf(request: Prompts): readonly { readonly field: string; readonly text: string }[] {
  const { prompt, negativePrompt, morePrompts, prompt2, negativePrompt2, steering } = request;
  const own = [
    { field: 'prompt', text: prompt },
    { field: 'negativePrompt', text: negativePrompt },
    ...morePrompts.map((text) => ({ field: 'morePrompts', text })),
    { field: 'prompt2', text: prompt2 },
    { field: 'negativePrompt2', text: negativePrompt2 },
  ];
  const steered = steering.flatMap((entry) => [entry.steering.prompt, entry.steering.negativePrompt]).map((text) => ({ field: 'steering', text: text ?? null }));
  return [...own, ...steered].flatMap(({ field, text }) => (text === null ? [] : [{ field, text }]));
}

/** Plain prompts are text to the last sign. */
export function takesLoraTags({ promptSyntax }: Pick<GenerationRequest, 'promptSyntax'>): boolean {
  return promptSyntax !== 'plain';
}
