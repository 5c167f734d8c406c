import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { createEncoding } from './encoding.ts';
import type { PromptEncoding } from './promptEncoding.ts';
import { lastHiddenName, openTextEncoder } from './textEncoder.ts';
import type { PromptTokenizer } from './tokenizer.ts';

/** Stable Diffusion 1 and 2: the last hidden state after the final layer norm, [1, 77 * chunks, 768 or 1024]. */
export function createSdEncoding(tokenizer: PromptTokenizer, session: ModelSession): PromptEncoding {
  const encoder = openTextEncoder(session, 'text_encoder');
  const named = session.outputs.find(({ name }) => name === lastHiddenName);
  // Without the name: the first output with a row a token.
  const output = (named ?? session.outputs.find(({ dims }) => dims.length === 3) ?? session.outputs[0])?.name ?? lastHiddenName;
  const hiddenOutput = (clipSkip: number): string => {
    if (clipSkip === 0) return output;
    const earlier = `normed_hidden_states.${encoder.hiddenStates - 1 - clipSkip}`;
    // Graphs of our own send every layer through it.
    if (session.outputs.some(({ name }) => name === earlier)) return earlier;
    throw clipSkipUnavailable(encoder.hiddenStates > 0);
  };
  return createEncoding([{ tokenizer, encoder, hiddenOutput, givesPooled: false }]);
}

/** diffusers takes an earlier hidden state and sends it through the final layer norm; exports lack the one, or the other. */
function clipSkipUnavailable(hasHiddenStates: boolean): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    field: 'clipSkip',
    message: hasHiddenStates
      ? "clipSkip: this model's text encoder gives its earlier layers, but not the final layer norm they have to go through."
      : "clipSkip: this model's text encoder was exported with its last layer only.",
    nextStep: 'Set clip skip to 0, or open the model as a .safetensors file.',
  });
}
