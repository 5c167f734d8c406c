import { StopbathError } from '../../shared/errors.ts';

/** Longest side of a picture that is taken in. */
export const maxInputSide = 16_384;
/** Most pixels of a picture that is taken in: 8192 x 8192. */
export const maxInputPixels: number = 64 * 1024 * 1024;
/** Largest picture file that is read. */
export const maxInputFileBytes: number = 128 * 1024 * 1024;

/** Why bytes are no picture that can be used. The decoders know nothing of request fields: {@link asInvalidInput} adds that. */
export class PictureError extends Error {
  readonly nextStep: string;

  constructor(message: string, nextStep: string) {
    super(message);
    this.name = 'PictureError';
    this.nextStep = nextStep;
  }
}

export function damaged(what: string): PictureError {
  return new PictureError(`The picture is damaged: ${what}.`, 'Open it in a picture program, save it again as PNG, and choose it again.');
}

/** @throws PictureError for sides that are not allowed. Called before anything of that size is allocated. */
export function checkInputSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw damaged(`it says that it is ${width} x ${height} pixels`);
  if (width <= maxInputSide && height <= maxInputSide && width * height <= maxInputPixels) return;
  throw new PictureError(
    `The picture is too large: ${width} x ${height} pixels.`,
    `Make it smaller: at most ${maxInputSide} pixels a side and ${maxInputPixels / 2 ** 20} megapixels (8192 x 8192) in all.`,
  );
}

/** @throws PictureError for a file with nothing in it, or more than is read. */
export function checkInputFile(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new PictureError('The file is empty.', 'Choose another picture.');
  if (bytes.length <= maxInputFileBytes) return;
  throw new PictureError(
    `The file is too large: ${Math.ceil(bytes.length / 2 ** 20)} MiB.`,
    `Make the picture smaller: files up to ${maxInputFileBytes / 2 ** 20} MiB are read.`,
  );
}

/** What a decoder refuses is `INVALID_INPUT` of that request field; any other error stays as it is. */
export function asInvalidInput(error: unknown, field: string): unknown {
  if (!(error instanceof PictureError)) return error;
  return new StopbathError(
    { code: 'INVALID_INPUT', message: `${field}: ${error.message}`, nextStep: error.nextStep, field },
    { cause: error },
  );
}
