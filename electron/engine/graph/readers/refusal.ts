import { StopbathError } from '../../../../shared/errors.ts';

/** What to do about a file that is not whole, or was never right. */
const anew = 'Download or copy the file again; where it was made by a tool of your own, save it again with a current safetensors.';

/** A file whose own words contradict each other or its size. */
export function broken(message: string, detail?: string): StopbathError {
  return new StopbathError({ code: 'MODEL_BAD', message, nextStep: anew, ...(detail === undefined ? {} : { detail }) });
}

/** Nothing to open where it was looked for. */
export function notFound(message: string, detail?: string): StopbathError {
  const nextStep = 'Check that the file is still there and its disk is connected, or choose it anew.';
  return new StopbathError({ code: 'MODEL_NOT_FOUND', message, nextStep, ...(detail === undefined ? {} : { detail }) });
}

/** A folder that lacks a file. */
export function incomplete(message: string): StopbathError {
  return new StopbathError({ code: 'MODEL_PARTS', message, nextStep: 'Copy or download the model again, with all files of the folder.' });
}

/** A file that may be whole but is nothing that can be opened here. */
export function unsupported(message: string, nextStep: string, detail?: string): StopbathError {
  return new StopbathError({ code: 'MODEL_UNSUPPORTED', message, nextStep, ...(detail === undefined ? {} : { detail }) });
}

/** A name out of a file, for a sentence: no control characters, not longer than a line. */
export function quoted(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 117)}...` : name;
  return JSON.stringify(short);
}
