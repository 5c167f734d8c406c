import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { createEncoding, type EncoderPart } from './encoding.ts';
import type { PromptEncoding } from './promptEncoding.ts';
import { hiddenName, openTextEncoder, pooledName } from './textEncoder.ts';
import type { PromptTokenizer } from './tokenizer.ts';

export interface SdxlEncoder {
  readonly tokenizer: PromptTokenizer;
  readonly session: ModelSession;
}

/**
 * Stable Diffusion XL: the penultimate hidden states of both encoders side by side, without a final norm,
 * [1, 77 * chunks, 768 + 1280], and the projected pooled output of the last one. The refiner has the second encoder only.
 * @throws StopbathError `MODEL_UNSUPPORTED` where an encoder lacks the outputs SDXL needs.
 */
export function createSdxlEncoding(encoders: readonly [SdxlEncoder, ...SdxlEncoder[]]): PromptEncoding {
  const open = ({ tokenizer, session }: SdxlEncoder, index: number): EncoderPart => {
    const part = index === encoders.length - 1 ? 'text_encoder_2' : 'text_encoder';
    const encoder = openTextEncoder(session, part);
    const givesPooled = index === encoders.length - 1;
    const missing = encoder.hiddenStates < 2 ? hiddenName(0) : givesPooled && !encoder.hasPooled ? pooledName : null;
    if (missing !== null) throw incomplete(missing, part);
    return { tokenizer, encoder, givesPooled, hiddenOutput: (clipSkip) => layerOutput(encoder.hiddenStates, clipSkip) };
  };
  const [first, ...others] = encoders;
  return createEncoding([open(first, 0), ...others.map((encoder, index) => open(encoder, index + 1))]);
}

/** diffusers: `hidden_states[-(clip_skip + 2)]`. */
function layerOutput(hiddenStates: number, clipSkip: number): string {
  const index = hiddenStates - 2 - clipSkip;
  if (index >= 0) return hiddenName(index);
  throw new StopbathError({
    code: 'INVALID_INPUT',
    field: 'clipSkip',
    message: `clipSkip: a text encoder of this model has ${hiddenStates - 1} layers; at most ${hiddenStates - 2} can be left out.`,
  });
}

function incomplete(output: string, part: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `${part}/model.onnx was exported without "${output}", which SDXL needs.`,
    nextStep: 'Export the model again with optimum-onnx as an SDXL pipeline.',
  });
}
