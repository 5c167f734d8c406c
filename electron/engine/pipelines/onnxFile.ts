import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { DoctorCode } from '../../../shared/doctorCodes.ts';
import { copyAgain, ModelFault } from './modelFault.ts';
import { children, elementBytes, float16Type, isList, type Kind } from './onnxSchema.ts';

/** A tensor whose bytes lie in another file than the graph. */
export interface ExternalTensor {
  readonly name: string;
  /** As written in the file; not to be trusted. */
  readonly location: string;
  readonly offset: number;
  /** As written, else what its sides and type need; null where neither is known. */
  readonly length: number | null;
}

/** What an .onnx file says of itself; no weights are read. */
export interface OnnxFacts {
  readonly irVersion: number;
  /** Of ONNX' own operators; 0 where none is named. */
  readonly opset: number;
  readonly producer: string;
  readonly external: readonly ExternalTensor[];
  /** Weights kept in the file itself. */
  readonly inlineBytes: number;
  /** Half-precision weights go into operators as they are, not through a Cast to float32: the model computes in half precision. */
  readonly computesInHalf: boolean;
}

/** Deeper than any exporter nests graphs in graphs. */
const mostNesting = 64;
const windowBytes = 32 * 1024;

/**
 * Reads the structure of an .onnx file by its protobuf encoding, strictly, before any runtime opens it. Weights are skipped over:
 * a file of gigabytes takes milliseconds.
 * @throws StopbathError `MODEL_BAD` when it is empty, cut off or no ONNX model; `UNSAFE_FILE` for numbers no exporter writes.
 */
export function readOnnxFile(file: string): OnnxFacts {
  const descriptor = openSync(file, 'r');
  try {
    const size = fstatSync(descriptor).size;
    const reader = new Reader(descriptor, size, file);
    reader.message('model', 0, size, 0);
    return reader.facts();
  } finally {
    closeSync(descriptor);
  }
}

interface TensorDraft {
  name: string;
  dims: number[];
  type: number;
  inlineBytes: number;
  /** Of those, given as they lie in memory. */
  rawBytes: number | null;
  isExternal: boolean;
  readonly entries: [string, string][];
}

class Reader {
  readonly #descriptor: number;
  readonly #size: number;
  /** `unet` of `unet/model.onnx`. */
  readonly #folder: string;
  readonly #part: string;
  readonly #window = Buffer.allocUnsafe(windowBytes);
  #windowAt = 0;
  #windowEnd = 0;
  #at = 0;

  #irVersion = 0;
  #opset = 0;
  #producer = '';
  #hasGraph = false;
  readonly #external: ExternalTensor[] = [];
  #inlineBytes = 0;
  /** Bytes of half-precision weights by name, and what goes into a Cast. */
  readonly #halves = new Map<string, number>();
  readonly #castInputs = new Set<string>();

  constructor(descriptor: number, size: number, file: string) {
    this.#descriptor = descriptor;
    this.#size = size;
    this.#folder = basename(dirname(file));
    this.#part = `${this.#folder}/${basename(file)}`;
    if (size === 0) throw this.#fault('FILE_EMPTY', 'is empty');
  }

  facts(): OnnxFacts {
    if (!this.#hasGraph) throw this.#noModel();
    return {
      irVersion: this.#irVersion,
      opset: this.#opset,
      producer: this.#producer,
      external: this.#external,
      inlineBytes: this.#inlineBytes,
      computesInHalf: this.#computesInHalf(),
    };
  }

  #computesInHalf(): boolean {
    const sizes = [...this.#halves.values()];
    const cast = [...this.#halves].filter(([name]) => this.#castInputs.has(name)).reduce((sum, [, bytes]) => sum + bytes, 0);
    return sizes.length > 0 && cast < sizes.reduce((sum, bytes) => sum + bytes, 0) / 2;
  }

  /** Walks one message from `from` up to `to`; `owner` is the tensor or opset it belongs to. */
  message(kind: Kind, from: number, to: number, depth: number, owner?: TensorDraft): void {
    if (depth > mostNesting) throw this.#noModel();
    this.#at = from;
    const draft: TensorDraft | undefined =
      kind === 'tensor' ? { name: '', dims: [], type: 0, inlineBytes: 0, rawBytes: null, isExternal: false, entries: [] } : undefined;
    const opset = { domain: '', version: 0 };
    const node = { op: '', inputs: [] as string[] };
    const entry: [string, string] = ['', ''];
    while (this.#at < to) {
      const key = this.#varint(to);
      const [field, wire] = [Math.floor(key / 8), key % 8];
      if (field === 0) throw this.#noModel();
      if (wire === 0) {
        const value = this.#varint(to);
        if (kind === 'model' && field === 1) this.#irVersion = value;
        if (kind === 'opset' && field === 2) opset.version = value;
        if (draft !== undefined) this.#number(draft, field, value);
        continue;
      }
      const length = wire === 2 ? this.#varint(to) : wire === 1 ? 8 : wire === 5 ? 4 : -1;
      if (length < 0) throw this.#noModel();
      const begin = this.#at;
      const end = begin + length;
      if (end > to) throw this.#cutOff(end);
      const child = wire === 2 ? children[kind][field] : undefined;
      if (child !== undefined) {
        if (child === 'graph' && kind === 'model') this.#hasGraph = true;
        this.message(child, begin, end, depth + 1, draft);
      } else if (wire === 2) {
        if (kind === 'model' && field === 2) this.#producer = this.#text(begin, end);
        if (kind === 'opset' && field === 1) opset.domain = this.#text(begin, end);
        if (kind === 'entry' && (field === 1 || field === 2)) entry[field - 1] = this.#text(begin, end);
        if (kind === 'node' && field === 1) node.inputs.push(this.#text(begin, end));
        if (kind === 'node' && field === 4) node.op = this.#text(begin, end);
        if (draft !== undefined) this.#bytes(draft, field, begin, end);
      } else if (draft !== undefined && isList(field)) draft.inlineBytes += length;
      this.#at = end;
    }
    if (kind === 'opset' && (opset.domain === '' || opset.domain === 'ai.onnx')) this.#opset = Math.max(this.#opset, opset.version);
    if (kind === 'entry') owner?.entries.push(entry);
    if (node.op === 'Cast') for (const name of node.inputs) this.#castInputs.add(name);
    if (draft !== undefined) this.#keep(draft);
  }

  #number(draft: TensorDraft, field: number, value: number): void {
    if (field === 1) draft.dims.push(value);
    else if (field === 2) draft.type = value;
    else if (field === 14) draft.isExternal = value === 1;
    else if (isList(field)) draft.inlineBytes += 1;
  }

  #bytes(draft: TensorDraft, field: number, begin: number, end: number): void {
    if (field === 8) draft.name = this.#text(begin, end);
    else if (field === 9) {
      draft.rawBytes = (draft.rawBytes ?? 0) + end - begin;
      draft.inlineBytes += end - begin;
    } else if (isList(field)) draft.inlineBytes += end - begin;
    else if (field === 1) {
      this.#at = begin;
      while (this.#at < end) draft.dims.push(this.#varint(end));
    }
  }

  #keep(draft: TensorDraft): void {
    const needed = this.#neededBytes(draft);
    const values = (key: string): string[] => draft.entries.filter(([name]) => name === key).map(([, value]) => value);
    const locations = values('location');
    if (draft.isExternal && locations.length === 0) throw this.#unsafe(draft, 'names no file for its data');
    // Every location, also of tensors that say they hold their data themselves: a reader may see it otherwise.
    for (const location of locations) {
      const offset = this.#whole(draft, values('offset').at(-1)) ?? 0;
      this.#external.push({ name: draft.name, location, offset, length: this.#whole(draft, values('length').at(-1)) ?? needed });
    }
    this.#inlineBytes += draft.inlineBytes;
    if (draft.type === float16Type) this.#halves.set(draft.name, needed ?? 0);
  }

  /** @throws StopbathError `MODEL_BAD` for sides no file could fill, or other than the bytes that are there. */
  #neededBytes({ name, dims, type, inlineBytes, rawBytes, isExternal }: TensorDraft): number | null {
    const width = elementBytes.get(type);
    const count = dims.reduce((product, side) => product * side, 1);
    const sides = `[${dims.join(', ')}]`;
    if (!Number.isSafeInteger(count * 16) || dims.some((side) => side < 0)) {
      throw this.#fault('FILE_DAMAGED', `is damaged: its tensor "${name}" claims the sides ${sides}`);
    }
    if (width === undefined) return null;
    // Lists write small numbers in a byte or more each.
    const isWrong = rawBytes === null ? inlineBytes < count : rawBytes !== count * width;
    if (!isExternal && isWrong) throw this.#fault('FILE_DAMAGED', `is damaged: its tensor "${name}" ${sides} has ${inlineBytes} bytes`);
    return count * width;
  }

  #whole(draft: TensorDraft, text: string | undefined): number | null {
    if (text === undefined) return null;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value)) throw this.#unsafe(draft, `gives ${JSON.stringify(text.slice(0, 40))} as the place of its data`);
    return value;
  }

  /** Up to 2^53; a negative 64-bit number, which takes ten bytes, comes out negative. */
  #varint(to: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= to) throw this.#cutOff(this.#at + 1);
      const byte = this.#byte();
      if (count === 9) return -1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw this.#noModel();
  }

  #byte(): number {
    if (this.#at < this.#windowAt || this.#at >= this.#windowEnd) {
      this.#windowAt = this.#at;
      this.#windowEnd = this.#at + readSync(this.#descriptor, this.#window, 0, windowBytes, this.#at);
      if (this.#windowEnd === this.#windowAt) throw this.#cutOff(this.#at + 1);
    }
    return this.#window[this.#at++ - this.#windowAt] ?? 0;
  }

  #text(begin: number, end: number): string {
    if (begin >= this.#windowAt && end <= this.#windowEnd) return this.#window.toString('utf8', begin - this.#windowAt, end - this.#windowAt);
    // Names of tensors and files; nothing sane is longer.
    const bytes = Buffer.alloc(Math.min(end - begin, 64 * 1024));
    readSync(this.#descriptor, bytes, 0, bytes.length, begin);
    return bytes.toString('utf8');
  }

  /** Its end is not where its lengths say. */
  #cutOff(needed: number): ModelFault {
    const isShort = needed > this.#size && this.#irVersion > 0;
    return isShort ? this.#fault('FILE_DAMAGED', `is cut off after ${this.#size} bytes`) : this.#noModel();
  }

  #noModel(): ModelFault {
    const begin = this.#text(0, Math.min(this.#size, 64)).trimStart();
    if (begin.startsWith('version https://git-lfs')) {
      const fetched = 'Download the file itself from the model\'s page, or run "git lfs pull" in the folder.';
      return this.#fault('FILE_DAMAGED', 'is a pointer of Git LFS, not the model itself', fetched);
    }
    if (begin.startsWith('<')) return this.#fault('FILE_DAMAGED', 'is a web page: its download went wrong', 'Download the file again.');
    return this.#fault('FILE_DAMAGED', 'is damaged or not an ONNX model');
  }

  #fault(finding: DoctorCode, what: string, nextStep = copyAgain): ModelFault {
    return new ModelFault(finding, this.#folder, { code: 'MODEL_BAD', message: `${this.#part} ${what}.`, nextStep });
  }

  #unsafe({ name }: TensorDraft, what: string): ModelFault {
    return new ModelFault('UNSAFE_PATH', this.#folder, {
      code: 'UNSAFE_FILE',
      message: `${this.#part} was not opened: its tensor "${name}" ${what}.`,
      nextStep: 'Take this model from a source you trust.',
    });
  }
}
