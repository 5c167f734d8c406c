import type { NextStep, StepEnd, StepTensors, TensorInputName } from '../callbacks/callback.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { NamedSlot, StepFacts, StepRequest, TensorSlot } from './protocol.ts';

/** Puts a step into words for the thread. Tensors are copied into memory that is kept from step to step: no step allocates. */
export class Outbox {
  readonly #buffers: SharedArrayBuffer[] = [];

  stepRequest(run: StepEnd, tensors: StepTensors, next: NextStep | undefined, state: string): StepRequest {
    const sources: Float32Array[] = [];
    const slot = ({ dims, data }: Tensor): TensorSlot => {
      const known = sources.indexOf(data);
      return { dims, buffer: known === -1 ? sources.push(data) - 1 : known };
    };
    const request = {
      kind: 'step',
      facts: { ...factsOf(run), nextGuidanceScale: next?.guidanceScale ?? null },
      latents: slot(run.latents),
      cleanEstimate: slot(run.cleanEstimate),
      tensors: (Object.entries(tensors) as [TensorInputName, Tensor | undefined][]).flatMap(([name, value]): NamedSlot[] =>
        value === undefined ? [] : [{ name, ...slot(value) }],
      ),
      state,
    } as const;
    return { ...request, buffers: sources.map((data, index) => this.#filled(index, data)) };
  }

  #filled(index: number, data: Float32Array): SharedArrayBuffer {
    const kept = this.#buffers[index];
    const buffer = kept?.byteLength === data.byteLength ? kept : new SharedArrayBuffer(data.byteLength);
    this.#buffers[index] = buffer;
    new Float32Array(buffer).set(data);
    return buffer;
  }
}

function factsOf({ ms: _ms, latents: _latents, cleanEstimate: _cleanEstimate, ...facts }: StepEnd): Omit<StepFacts, 'nextGuidanceScale'> {
  return facts;
}
