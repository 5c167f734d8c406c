import { join } from 'node:path';
import type { ModelSession } from '../tensor/modelSession.ts';
import type { OpenPipelineOptions } from './pipeline.ts';

/** The sessions of a model folder; they are released together. */
export class Parts {
  readonly #options: OpenPipelineOptions;
  readonly #opened: ModelSession[] = [];

  constructor(options: OpenPipelineOptions) {
    this.#options = options;
  }

  /** @param onPart told before the part is loaded */
  async open(part: string, onPart: (part: string) => void = this.#options.onPart): Promise<ModelSession> {
    onPart(part);
    const session = await this.#options.openSession(join(this.#options.folder, part, 'model.onnx'));
    this.#opened.push(session);
    return session;
  }

  async release(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((session) => session.release()));
  }
}
