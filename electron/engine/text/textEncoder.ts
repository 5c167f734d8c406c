import { StopbathError } from '../../../shared/errors.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { isFiniteTensor, repeatRows, sliceRows, tensor, type Tensor } from '../tensor/tensor.ts';

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

/** @param part names its file in messages, e.g. `text_encoder_2` */
export function openTextEncoder(session: ModelSession, part: string): TextEncoder {
  const names = ownNames(session.outputs.map(({ name }) => name));
  let hiddenStates = 0;
  while (names.has(hiddenName(hiddenStates))) hiddenStates++;
  const input = session.inputs.find(({ name }) => name === idsName)?.name ?? session.inputs[0]?.name ?? idsName;
  const rows = session.inputs[0]?.dims[0];
  // Static exports are of a batch of two: the text with and without guidance.
  const fixedRows = typeof rows === 'number' && rows > 1 ? rows : 1;
  return {
    hiddenStates,
    hasPooled: names.has(pooledName),
    async run(ids, wanted) {
      const row = tensor([1, ids.length], Float32Array.from(ids));
      const outputs = await session.run({ [input]: repeatRows(row, fixedRows) });
      return wanted.map((name) => {
        const output = outputs[names.get(name) ?? name];
        if (output === undefined) throw missingOutput(name, part, session);
        if (isFiniteTensor(output)) return fixedRows === 1 ? output : sliceRows(output, 0, 1);
        throw new StopbathError({
          code: 'MODEL_NAN',
          message: `${part}/model.onnx gave values that are no numbers.`,
          nextStep: `Use a full-precision (fp32) version of ${part}, or download it again.`,
        });
      });
    },
  };
}

/** optimum's name -> the file's own: some exporters write hidden_states_3 for hidden_states.3. */
function ownNames(outputs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(outputs.map((name) => [name.replace(/^hidden_states?_(\d+)$/, 'hidden_states.$1'), name]));
}

const idsName = 'input_ids';

export const pooledName = 'text_embeds';
export const lastHiddenName = 'last_hidden_state';

export function hiddenName(index: number): string {
  return `hidden_states.${index}`;
}

function missingOutput(name: string, part: string, session: ModelSession): StopbathError {
  return new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `${part}/model.onnx has no output "${name}".`,
    nextStep: 'Export the model again with a current optimum-onnx.',
    detail: session.outputs.map((output) => output.name).join('\n'),
  });
}
