import { env, InferenceSession, type Tensor as OrtTensor } from 'onnxruntime-node';
import { StopbathError } from '../../../shared/errors.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { describeDims, type Tensor } from '../tensor/tensor.ts';
import { fromOrt, toOrt } from './convert.ts';
import { loadError, partOf, runError } from './errors.ts';
import { computeThreads } from './threads.ts';

/** Version of onnxruntime-node. */
export const runtimeVersion: string = env.versions.node ?? '';

type SessionOptions = InferenceSession.SessionOptions;

/**
 * The options each provider needs. Measured on the CPU: without the arena a 512 px run keeps a third of the memory at the same
 * speed; without spinning a step beside another busy process is a quarter faster.
 */
export function sessionOptions(provider: ProviderId): SessionOptions {
  const cpu: SessionOptions = {
    executionProviders: ['cpu'],
    // 0 would mean "physical cores, pinned": in a container that can be more than there are.
    intraOpNumThreads: computeThreads(),
    enableCpuMemArena: false,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
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

function specs(metadata: readonly InferenceSession.ValueMetadata[]): TensorSpec[] {
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
    const options = sessionOptions(provider);
    const session = await (typeof file === 'string'
      ? InferenceSession.create(file, options)
      : InferenceSession.create(file, options));
    return new OrtSession(session, name);
  } catch (error) {
    throw loadError(name, error);
  }
}

class OrtSession implements ModelSession {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #session: InferenceSession;
  readonly #file: string;

  constructor(session: InferenceSession, file: string) {
    this.#session = session;
    this.#file = file;
    this.inputs = specs(session.inputMetadata);
    this.outputs = specs(session.outputMetadata);
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
    const converted = Object.fromEntries(this.inputs.map((spec) => [spec.name, this.#feed(spec, feeds[spec.name])]));
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.#session.run(converted);
    } catch (error) {
      throw runError(this.#file, error);
    }
    return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value as OrtTensor)]));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #feed(spec: TensorSpec, value: Tensor | undefined): OrtTensor {
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
