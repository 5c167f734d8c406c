import type { ModelSession, OpenSession, TensorSpec } from '../tensor/modelSession.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { standardFile } from './openChecked.ts';
import type { OpenPipelineOptions } from './pipeline.ts';
import { isOutOfMemory, Residency, type Resident } from './residency.ts';

/** The sessions of a model folder; they are released together. */
export class Parts {
  readonly #options: OpenPipelineOptions;
  readonly #opened: PartSession[] = [];
  readonly residency: Residency;

  constructor(options: OpenPipelineOptions) {
    this.#options = options;
    this.residency = options.residency ?? new Residency();
  }

  /** @param onPart told before the part is loaded */
  async open(part: string, onPart: (part: string) => void = this.#options.onPart): Promise<ModelSession> {
    onPart(part);
    const { folder, openSession } = this.#options;
    const session = await PartSession.open(part, standardFile(folder, part), openSession, this.residency);
    this.#opened.push(session);
    return session;
  }

  async release(): Promise<void> {
    this.residency.clear();
    await Promise.all(this.#opened.splice(0).map((session) => session.unload()));
  }
}

/**
 * A part that may leave the memory between two runs and is loaded again for the next. Where there is not enough memory for it, all others
 * leave, and it is tried once more.
 */
class PartSession implements ModelSession, Resident {
  readonly part: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #file: string;
  readonly #openSession: OpenSession;
  readonly #residency: Residency;
  #session: ModelSession | null;

  private constructor(part: string, file: string, openSession: OpenSession, residency: Residency, session: ModelSession) {
    this.part = part;
    this.#file = file;
    this.#openSession = openSession;
    this.#residency = residency;
    this.#session = session;
    this.inputs = session.inputs;
    this.outputs = session.outputs;
  }

  /** @throws StopbathError as `openSession` does. */
  static async open(part: string, file: string, openSession: OpenSession, residency: Residency): Promise<PartSession> {
    if (!residency.plan.mapsWeights) await residency.enter(part);
    const session = await withRoom(part, residency, () => openSession(file));
    const opened = new PartSession(part, file, openSession, residency, session);
    residency.add(opened);
    return opened;
  }

  get isLoaded(): boolean {
    return this.#session !== null;
  }

  async run(feeds: Readonly<Record<string, Tensor>>, wanted?: readonly string[]): Promise<Readonly<Record<string, Tensor>>> {
    await this.#residency.enter(this.part);
    return withRoom(this.part, this.#residency, async () => (await this.#load()).run(feeds, wanted));
  }

  async moveToCpu(why: string): Promise<boolean> {
    return (await (await this.#load()).moveToCpu?.(why)) ?? false;
  }

  async unload(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.release();
  }

  release(): Promise<void> {
    return this.unload();
  }

  async #load(): Promise<ModelSession> {
    this.#session ??= await this.#openSession(this.#file);
    return this.#session;
  }
}

async function withRoom<T>(part: string, residency: Residency, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOutOfMemory(error) || !(await residency.unloadOthers(part))) throw error;
    return await work();
  }
}
