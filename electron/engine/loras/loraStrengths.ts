import { StopbathError } from '../../../shared/errors.ts';
import { loraStrengthAt, type PlannedLora } from '../../../shared/loraPlan.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { tensor } from '../tensor/tensor.ts';

/** Name of the graphs' input, see graph/blocks/net.ts. */
const inputName = 'lora_strengths';

/**
 * The strengths of the LoRAs a model was opened with, as its sessions are told them at every call. Set before the texts are encoded and
 * at the end of every step, from request and log alone: nothing of one run is left to the next.
 */
export class LoraStrengths {
  readonly names: readonly string[];
  readonly #unet: Float32Array;
  readonly #text: Float32Array;

  constructor(names: readonly string[]) {
    this.names = names;
    this.#unet = new Float32Array(names.length);
    this.#text = new Float32Array(names.length);
  }

  /** Tells encodings of the same text apart. */
  get textKey(): string {
    return this.#text.join();
  }

  /** @throws StopbathError `INVALID_INPUT` for a LoRA the run was not begun with. */
  setText(planned: readonly PlannedLora[]): void {
    const values = this.#gathered(planned, ({ textStrength }) => textStrength);
    this.#text.set(values);
  }

  /** For a step, 0-based. @throws as {@link setText} */
  setStep(planned: readonly PlannedLora[], stepIndex: number, numTimesteps: number): void {
    this.#unet.set(this.#gathered(planned, (lora) => loraStrengthAt(lora, stepIndex, numTimesteps)));
  }

  /** A session of the model that is told the strengths by itself; one whose graph has no LoRA is left as it is. */
  steer(session: ModelSession, part: 'unet' | 'text'): ModelSession {
    if (!session.inputs.some(({ name }) => name === inputName)) return session;
    const values = part === 'unet' ? this.#unet : this.#text;
    return {
      inputs: session.inputs.filter(({ name }) => name !== inputName),
      outputs: session.outputs,
      // A copy: the session may still read it when the next step has been set.
      run: (feeds, wanted) => session.run({ ...feeds, [inputName]: tensor([values.length], values.slice()) }, wanted),
      release: () => session.release(),
      ...(session.moveToCpu === undefined ? {} : { moveToCpu: (why: string) => session.moveToCpu?.(why) ?? Promise.resolve(false) }),
    };
  }

  #gathered(planned: readonly PlannedLora[], strengthOf: (lora: PlannedLora) => number): Float32Array {
    const values = new Float32Array(this.names.length);
    for (const lora of planned) {
      const index = this.names.indexOf(lora.name);
      if (index < 0) {
        throw new StopbathError({
          code: 'INVALID_INPUT',
          field: 'loras',
          message: `loras: ${JSON.stringify(lora.name)} is none of the LoRAs this run was begun with.`,
          nextStep: 'Put it into the form with strength 0 and begin anew; then it can be turned up at any step.',
        });
      }
      values[index] = strengthOf(lora);
    }
    return values;
  }
}
