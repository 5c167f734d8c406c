/**
 * Everything that can go wrong and that a person may see. The interface shows the sentence of its own language for a
 * code; `message` is the English sentence for logs and the command line, `nextStep` the thing to do about it.
 */
export const errorCodes = [
  'INVALID_INPUT',
  'MODEL_NOT_FOUND',
  'MODEL_PARTS',
  'MODEL_BAD',
  'MODEL_TOKENIZER',
  'MODEL_NAN',
  'MODEL_UNSUPPORTED',
  'NO_PLACE',
  'PROVIDER_UNAVAILABLE',
  'OUT_OF_MEMORY',
  'ENGINE_CRASH',
  'ENGINE_START',
  'DISK_FULL',
  'FILE_ACCESS',
  'NOT_FOUND',
  'CALLBACK',
  'OFFLINE',
  'NETWORK',
  'DOWNLOAD',
  'ACCESS_DENIED',
  'UNSAFE_FILE',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** The plain form of an error: what crosses process and host borders. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** What the user can do now, in one sentence. */
  readonly nextStep?: string;
  /** The request field it belongs to, e.g. `steps`. */
  readonly field?: string;
  /** Technical text for the "details" fold: stderr lines, a stack. Never the only thing shown. */
  readonly detail?: string;
}

export class StopbathError extends Error implements Failure {
  readonly code: ErrorCode;
  readonly nextStep?: string;
  readonly field?: string;
  readonly detail?: string;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'StopbathError';
    this.code = failure.code;
    if (failure.nextStep !== undefined) this.nextStep = failure.nextStep;
    if (failure.field !== undefined) this.field = failure.field;
    if (failure.detail !== undefined) this.detail = failure.detail;
  }
}

/** Any thrown value as a {@link Failure}; an unexpected one becomes `INTERNAL` with its stack as detail. */
export function toFailure(error: unknown): Failure {
  if (error instanceof StopbathError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.nextStep === undefined ? {} : { nextStep: error.nextStep }),
      ...(error.field === undefined ? {} : { field: error.field }),
      ...(error.detail === undefined ? {} : { detail: error.detail }),
    };
  }
  if (error instanceof Error) {
    return { code: 'INTERNAL', message: error.message, ...(error.stack === undefined ? {} : { detail: error.stack }) };
  }
  return { code: 'INTERNAL', message: String(error) };
}

/** Closes a union: compiles only when every `kind` has been handled. */
export function assertNever(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}
