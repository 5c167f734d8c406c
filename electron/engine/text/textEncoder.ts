import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { isFiniteTensor, tensor, type Tensor } from '../tensor/tensor.ts';

/** One CLIP text encoder by the names its export declares. */
export interface TextEncoder {
  /** `hidden_states.N` outputs: the input of every layer and the output of the last, 0 where the export has none. */
  readonly hiddenStates: number;
  readonly hasPooled: boolean;
  /**
   * @param ids one row, begin and end among them; their type is the session's
   * @param outputs names as optimum gives them: `last_hidden_state`, `hidden_states.N`, `text_embeds`
   * @returns one tensor a name
   * @throws StopbathError `MODEL_UNSUPPORTED` for a name the export lacks, `MODEL_NAN`, and what the session throws.
   */
  run(ids: readonly number[], outputs: readonly string[]): Promise<readonly Tensor[]>;
}

export function openTextEncoder(session: ModelSession): TextEncoder {
  const names = new Set(session.outputs.map(({ name }) => name));
  let hiddenStates = 0;
  while (names.has(hiddenName(hiddenStates))) hiddenStates++;
  const input = session.inputs[0]?.name ?? 'input_ids';
  return {
    hiddenStates,
    hasPooled: names.has(pooledName),
    async run(ids, wanted) {
      const outputs = await session.run({ [input]: tensor([1, ids.length], Float32Array.from(ids)) });
      return wanted.map((name) => {
        const output = outputs[name];
        if (output === undefined) throw missingOutput(name, session);
        if (isFiniteTensor(output)) return output;
        throw new StopbathError({ code: 'MODEL_NAN', message: 'The text encoder gave values that are no numbers.' });
      });
    },
  };
}

export const pooledName = 'text_embeds';
export const lastHiddenName = 'last_hidden_state';

export function hiddenName(index: number): string {
  return `hidden_states.${index}`;
}

function missingOutput(name: string, session: ModelSession): StopbathError {
  return new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `The text encoder has no output "${name}".`,
    nextStep: 'Export the model again with a current optimum-onnx.',
    detail: session.outputs.map((output) => output.name).join('\n'),
  });
}
