import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { InferenceSession as Session, Tensor as OrtValue } from 'onnxruntime-node';
import { StopbathError } from '../../../shared/errors.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { describeDims, type Tensor } from '../tensor/tensor.ts';
import { fromOrt, toOrt } from './convert.ts';
import { loadError, partOf, runError } from './errors.ts';
import { InferenceSession, prepareCuda } from './runtime.ts';
import { computeThreads } from './threads.ts';

export { runtimeVersion } from './runtime.ts';

type SessionOptions = Session.SessionOptions;

/**
 * On the CPU, weights beyond this are used where they are mapped. Laid out anew for the processor they would be in memory twice, and a
 * UNet of 3.4 GB takes 20 times as long to load for a step that is 7 % shorter (e2e/fullsize/README.md).
 */
const largeBytes = 256 * 2 ** 20;

/**
 * The options each provider needs. Measured on the CPU: without the arena a 512 px run keeps a third of the memory at the same
 * speed; without spinning a step beside another busy process is a quarter faster.
 */
export function sessionOptions(provider: ProviderId, weightBytes = 0): SessionOptions {
  const isLarge = weightBytes > largeBytes;
  const cpu: SessionOptions = {
    executionProviders: ['cpu'],
    // 0 would mean "physical cores, pinned": in a container that can be more than there are.
    intraOpNumThreads: computeThreads(),
    enableCpuMemArena: false,
    ...(isLarge ? { graphOptimizationLevel: 'extended' } : {}),
    extra: { session: { intra_op: { allow_spinning: '0' }, ...(isLarge ? { disable_prepacking: '1' } : {}) } },
  };
  switch (provider) {
    case 'cpu':
      return cpu;
    case 'dml':
      // DirectML demands both.
      return { executionProviders: ['dml'], enableMemPattern: false, executionMode: 'sequential' };
    default:
      return { executionProviders: [provider], intraOpNumThreads: computeThreads() };
  }
}

function specs(metadata: readonly Session.ValueMetadata[]): TensorSpec[] {
  return metadata.map((value) =>
    value.isTensor
      ? { name: value.name, type: value.type, dims: [...value.shape] }
      : { name: value.name, type: 'sequence', dims: [] },
  );
}

/**
 * Opens an ONNX file. Given a path, ONNX Runtime maps external data instead of copying it.
 * @throws StopbathError `MODEL_PARTS`, `MODEL_BAD`, `MODEL_UNSUPPORTED`, `OUT_OF_MEMORY`, naming the file.
 */
export async function openSession(file: string | Uint8Array, provider: ProviderId): Promise<ModelSession> {
  const name = typeof file === 'string' ? file : 'memory';
  try {
    const options = sessionOptions(provider, typeof file === 'string' ? await weightBytesOf(file) : file.byteLength);
    if (provider === 'cuda') prepareCuda();
    const session = await (typeof file === 'string'
      ? InferenceSession.create(file, options)
      : InferenceSession.create(file, options));
    return new OrtSession(session, name, provider);
  } catch (error) {
    throw loadError(name, error, provider);
  }
}

/** A file that holds its weights itself is not read for its size. */
const largestGraph = 64 * 2 ** 20;

/** `length` of an external tensor in the file's bytes: key and value of onnx.proto's StringStringEntryProto. */
// eslint-disable-next-line no-control-regex -- protobuf's tags are control characters.
const externalLength = /\x0a\x06length\x12[\x01-\x14](\d{1,20})/gs;

/**
 * Weights of a model file: its own bytes and those it names in others. A checkpoint lies whole beside the graph of each of its parts.
 * Exported for tests.
 */
export async function weightBytesOf(file: string): Promise<number> {
  try {
    const { size } = await stat(file);
    if (size > largestGraph) return size;
    const named = [...(await readFile(file)).toString('latin1').matchAll(externalLength)];
    return named.length === 0 ? await bytesBeside(file) : named.reduce((sum, [, digits]) => sum + Number(digits), size);
  } catch {
    // Whatever is wrong with it, the runtime says it better.
    return 0;
  }
}

/** Old exports name a file without a length: all of it. */
async function bytesBeside(file: string): Promise<number> {
  const folder = dirname(file);
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

class OrtSession implements ModelSession {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #session: Session;
  readonly #file: string;
  readonly #provider: ProviderId;

  constructor(session: Session, file: string, provider: ProviderId) {
    this.#session = session;
    this.#file = file;
    this.#provider = provider;
    this.inputs = specs(session.inputMetadata);
    this.outputs = specs(session.outputMetadata);
  }

  async run(feeds: Readonly<Record<string, Tensor>>, wanted?: readonly string[]): Promise<Readonly<Record<string, Tensor>>> {
    const converted = Object.fromEntries(this.inputs.map((spec) => [spec.name, this.#feed(spec, feeds[spec.name])]));
    let results: Session.OnnxValueMapType;
    try {
      results = await (wanted === undefined ? this.#session.run(converted) : this.#session.run(converted, wanted));
    } catch (error) {
      throw runError(this.#file, error, this.#provider);
    }
    return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value as OrtValue)]));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #feed(spec: TensorSpec, value: Tensor | undefined): OrtValue {
    const declared = `${partOf(this.#file)} declares "${spec.name}" ${spec.type} ${describeDims(spec.dims)}`;
    if (value === undefined) {
      throw new StopbathError({ code: 'MODEL_UNSUPPORTED', message: `${declared}, which this version does not give.` });
    }
    const fits =
      spec.dims.length === value.dims.length &&
      spec.dims.every((side, index) => typeof side !== 'number' || side < 0 || side === value.dims[index]);
    if (!fits) {
      throw new StopbathError({ code: 'MODEL_UNSUPPORTED', message: `${declared}, not ${describeDims(value.dims)}.` });
    }
    return toOrt(value, spec.type);
  }
}
