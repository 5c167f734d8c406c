import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { isFiniteTensor, tensor, type Tensor } from '../tensor/tensor.ts';
import type { PromptTokenizer } from './tokenizer.ts';

export interface EncodedPrompt {
  /** [1, tokens, width]: last hidden state after the final layer norm. */
  readonly embeds: Tensor;
  /** Tokens of the text that did not fit. */
  readonly truncated: number;
}

const cacheSize = 32;

/** Texts to embeddings; those used last are kept, the empty prompt is needed by nearly every run. */
export class PromptEncoder {
  readonly #tokenizer: PromptTokenizer;
  readonly #session: ModelSession;
  readonly #cache = new Map<string, EncodedPrompt>();

  constructor(tokenizer: PromptTokenizer, session: ModelSession) {
    this.#tokenizer = tokenizer;
    this.#session = session;
  }

  /** @throws StopbathError `MODEL_TOKENIZER` when an id is outside the encoder's table, `MODEL_NAN`. */
  async encode(text: string): Promise<EncodedPrompt> {
    const known = this.#cache.get(text);
    if (known !== undefined) return this.#keep(text, known);
    const { ids, truncated } = this.#tokenizer.tokenize(text);
    const input = this.#session.inputs[0]?.name ?? 'input_ids';
    const outputs = await this.#session.run({ [input]: tensor([1, ids.length], Float32Array.from(ids)) });
    const embeds = outputs['last_hidden_state'] ?? outputs[this.#session.outputs[0]?.name ?? ''];
    if (embeds === undefined || !isFiniteTensor(embeds)) {
      throw new StopbathError({ code: 'MODEL_NAN', message: 'The text encoder gave values that are no numbers.' });
    }
    return this.#keep(text, { embeds, truncated });
  }

  /** As the newest; a Map keeps the order of insertion. */
  #keep(text: string, encoded: EncodedPrompt): EncodedPrompt {
    this.#cache.delete(text);
    this.#cache.set(text, encoded);
    const oldest = this.#cache.keys().next();
    if (this.#cache.size > cacheSize && oldest.done !== true) this.#cache.delete(oldest.value);
    return encoded;
  }
}
