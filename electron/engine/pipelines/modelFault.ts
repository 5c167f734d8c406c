import type { DoctorCode } from '../../../shared/doctorCodes.ts';
import { type Failure, StopbathError } from '../../../shared/errors.ts';

/** What is wrong with a model's files, under the name the doctor gives it. */
export class ModelFault extends StopbathError {
  readonly finding: DoctorCode;
  /** `unet`, `tokenizer` ...; empty for the whole. */
  readonly part: string;

  constructor(finding: DoctorCode, part: string, failure: Failure, options?: ErrorOptions) {
    super(failure, options);
    this.finding = finding;
    this.part = part;
  }
}

/** Something the files do not say, and what is taken instead. */
export interface Assumption {
  readonly code: DoctorCode;
  readonly part: string;
  readonly message: string;
  readonly remedy: string;
}

export function isNan(error: unknown): boolean {
  return error instanceof StopbathError && error.code === 'MODEL_NAN';
}

export const copyAgain = 'Copy or download the model again.';
