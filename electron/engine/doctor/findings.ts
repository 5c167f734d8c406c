import type { DoctorCode } from '../../../shared/doctorCodes.ts';
import { type ErrorCode, toFailure } from '../../../shared/errors.ts';
import type { Finding } from '../../../shared/models.ts';
import { copyAgain, ModelFault } from '../pipelines/modelFault.ts';

type Told = Omit<Finding, 'code'> & { readonly code: DoctorCode };

/** What an examination has found by now. */
export class Findings {
  readonly #all: Told[] = [];

  get all(): readonly Finding[] {
    return this.#all;
  }

  get hasErrors(): boolean {
    return this.#all.some(({ severity }) => severity === 'error');
  }

  add(severity: Finding['severity'], code: DoctorCode, part: string, message: string, remedy = ''): void {
    // The same fault shows wherever its file is read.
    if (this.#all.some((known) => known.code === code && known.part === part && known.message === message)) return;
    this.#all.push({ severity, code, part, message, remedy });
  }

  /** Does a piece of the work; what it throws is a finding. @returns null then */
  async attempt<T>(part: string, work: () => Promise<T> | T): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.#fault(part, error);
      return null;
    }
  }

  #fault(part: string, error: unknown): void {
    const { code, message, nextStep } = toFailure(error);
    const isFault = error instanceof ModelFault;
    const place = isFault ? error.part : part;
    // Which file it was, also where a message of the runtime does not say.
    const named = place === '' || message.includes(place) ? message : `${place}: ${message}`;
    this.add('error', isFault ? error.finding : codes[code] ?? 'LOAD_FAILED', place, named, nextStep ?? copyAgain);
  }
}

const codes: Partial<Record<ErrorCode, DoctorCode>> = {
  MODEL_NOT_FOUND: 'FOLDER_MISSING',
  MODEL_PARTS: 'PART_MISSING',
  MODEL_BAD: 'FILE_DAMAGED',
  MODEL_TOKENIZER: 'TOKENIZER_FOREIGN',
  MODEL_NAN: 'NOT_FINITE',
  MODEL_UNSUPPORTED: 'UNSUPPORTED',
  UNSAFE_FILE: 'UNSAFE_PATH',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY',
  PROVIDER_UNAVAILABLE: 'DEVICE_FAILED',
};
