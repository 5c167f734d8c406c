import { describeDims, elementCount, isFiniteTensor } from '../tensor/tensor.ts';
import { tensorInputNames } from '../callbacks/callback.ts';
import type { NamedSlot, ReturnedTensor } from './protocol.ts';

const bytesAValue = Float32Array.BYTES_PER_ELEMENT;

/** The values of a step's tensors on their way into the interpreter, and those that come back. */
export class Tray {
  #sent: readonly NamedSlot[] = [];
  #buffers: readonly SharedArrayBuffer[] = [];
  #returned: ReturnedTensor[] = [];

  fill(tensors: readonly NamedSlot[], buffers: readonly SharedArrayBuffer[]): void {
    this.#sent = tensors;
    this.#buffers = buffers;
    this.#returned = [];
  }

  /** The values of a slot. */
  buffer(index: number): SharedArrayBuffer {
    const buffer = this.#buffers[index];
    if (buffer === undefined) throw new RangeError('There is no such tensor.');
    return buffer;
  }

  /**
   * Copies values out of the interpreter's memory, once they are seen to be a tensor that may be given back.
   * @param sides as the callback wrote them, `, ` between
   * @returns what is wrong with them, or nothing
   */
  take(name: string, sides: string, bytes: Uint8Array, offset: number, length: number): string {
    const known = tensorInputNames.find((candidate) => candidate === name);
    const slot = this.#sent.find((sent) => sent.name === name);
    if (known === undefined || slot === undefined) return `returned ${name}, which it did not ask for`;
    if (sides !== slot.dims.join(', ')) return `returned ${name} of [${sides}] for ${describeDims(slot.dims)}`;
    if (length !== elementCount(slot.dims)) return `returned ${length} values for ${name} of ${describeDims(slot.dims)}`;
    if (!Number.isInteger(offset) || offset < 0 || offset + length * bytesAValue > bytes.byteLength) return `returned ${name} without its values`;
    const data = new Float32Array(bytes.slice(offset, offset + length * bytesAValue).buffer);
    const tensor = { name: known, dims: slot.dims, data };
    if (!isFiniteTensor(tensor)) return `returned ${name} with ${data.find((value) => !Number.isFinite(value))} in it`;
    this.#returned = [...this.#returned.filter((earlier) => earlier.name !== name), tensor];
    return '';
  }

  takeReturned(): readonly ReturnedTensor[] {
    const returned = this.#returned;
    this.#returned = [];
    this.#buffers = [];
    return returned;
  }
}
