import type { GenerationRequest } from '../../../shared/generation.ts';
import { promptsOf, readLoraTags, takesLoraTags } from '../../../shared/loraTags.ts';

/** A LoRA's name in a request, and where it stands. */
export interface NamedLora {
  readonly name: string;
  readonly field: string;
}

/** The LoRAs that a request calls, in its list, by tags of its prompts, and in its steering; each name once. @throws StopbathError for a tag that cannot be read. */
export function lorasNamed(request: GenerationRequest): NamedLora[] {
  const tagged = takesLoraTags(request)
    ? promptsOf(request).flatMap(({ field, text }) => readLoraTags(text, field).tags.map(({ name }) => ({ name, field })))
    : [];
  const steered = request.steering.flatMap(({ steering }) => steering.loras ?? []).map(({ name }) => ({ name, field: 'steering' }));
  const all = [...request.loras.map(({ name }) => ({ name, field: 'loras' })), ...tagged, ...steered];
  return all.filter(({ name }, index) => all.findIndex((other) => other.name === name) === index);
}

const letter = /[\p{L}\p{N}_]/u;

/** Whether a text has a name as a word of its own; capitals do not count, as to CLIP's tokenizer. */
export function hasWord(text: string, name: string): boolean {
  const [inText, word] = [text.toLowerCase(), name.toLowerCase()];
  if (word === '') return false;
  for (let at = inText.indexOf(word); at >= 0; at = inText.indexOf(word, at + 1)) {
    const [before, after] = [inText[at - 1] ?? ' ', inText[at + word.length] ?? ' '];
    const isStart = !letter.test(before) || !letter.test(word[0] ?? '');
    const isEnd = !letter.test(after) || !letter.test(word.at(-1) ?? '');
    if (isStart && isEnd) return true;
  }
  return false;
}

/** ComfyUI's way to call an embedding: `embedding:name`, the ending left out or not. */
const called = /embedding:([^\s,()[\]{}<>:|]+)/gi;

/** Embeddings that a request calls by ComfyUI's word for them. */
export function embeddingsCalled(request: GenerationRequest): NamedLora[] {
  if (request.promptSyntax !== 'comfy') return [];
  return promptsOf(request).flatMap(({ field, text }) =>
    [...text.matchAll(called)].map(([, name = '']) => ({ name: name.replace(/\.(safetensors|pt|bin)$/i, ''), field })),
  );
}
