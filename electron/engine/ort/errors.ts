import { basename, dirname, join } from 'node:path';
import { explainFailure } from '../../../shared/deviceReasons.ts';
import { type ErrorCode, StopbathError } from '../../../shared/errors.ts';
import type { ProviderId } from '../../../shared/generation.ts';

interface Reading {
  readonly code: ErrorCode;
  readonly message: string;
  readonly nextStep: string;
}

const outOfMemory: Reading = {
  code: 'OUT_OF_MEMORY',
  message: 'There is not enough memory.',
  nextStep: 'Choose a smaller size, or close other programs.',
};

const memoryPattern = /failed to allocate|bfc_arena|out of memory|bad_alloc/i;

/** The file's own fault, whatever device it was for. */
const filePattern = /protobuf|INVALID_GRAPH|This is an invalid model|ORT format/i;

/** `unet/model.onnx`: what a person recognises of a path. */
export function partOf(file: string): string {
  return join(basename(dirname(file)), basename(file));
}

/** The loader of libraries speaks of missing files, too. */
const libraryPattern = /shared (?:object|library)/;

/** What ONNX Runtime says when it cannot open a model file, as an error of ours. */
export function loadError(file: string, cause: unknown, provider: ProviderId = 'cpu'): StopbathError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const reading = readLoad(partOf(file), text);
  const isDevices = provider !== 'cpu' && (libraryPattern.test(text) || (reading.code === 'MODEL_BAD' && !filePattern.test(text)));
  return asError(isDevices ? readDevice(partOf(file), provider, text) : reading, text, cause);
}

function readDevice(part: string, provider: ProviderId, text: string): Reading {
  const { code, reason, remedy } = explainFailure(provider, text);
  if (code === 'OOM') return outOfMemory;
  const nextStep = remedy === '' ? 'Choose another device, or Automatic.' : `${remedy} Or choose another device, or Automatic.`;
  return { code: 'PROVIDER_UNAVAILABLE', message: `${part} cannot run on ${provider}. ${reason}`, nextStep };
}

function readLoad(part: string, text: string): Reading {
  if (memoryPattern.test(text)) return outOfMemory;
  const repair = 'Copy or download the model again.';
  if (/external data|model_path must not be empty/i.test(text)) {
    return { code: 'MODEL_PARTS', message: `The data file of ${part} is missing or too short.`, nextStep: repair };
  }
  if (/doesn't exist|no such file|NO_SUCHFILE/i.test(text)) {
    return { code: 'MODEL_PARTS', message: `${part} is missing.`, nextStep: repair };
  }
  if (/No Op registered|Unsupported model IR version|Opset \d+ is under development/i.test(text)) {
    return {
      code: 'MODEL_UNSUPPORTED',
      message: `${part} was made for a newer ONNX Runtime, or with operators of its own.`,
      nextStep: 'Export the model again with a lower opset version.',
    };
  }
  return { code: 'MODEL_BAD', message: `${part} is damaged or not an ONNX model.`, nextStep: repair };
}

/** The same for a run of a model that did open. */
export function runError(file: string, cause: unknown, provider: ProviderId = 'cpu'): StopbathError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (memoryPattern.test(text)) return asError(outOfMemory, text, cause);
  const part = partOf(file);
  if (/indices element out of data bounds|idx=.*must be within/i.test(text)) {
    return asError(
      {
        code: 'MODEL_TOKENIZER',
        message: `The tokenizer does not belong to ${part}: it gives numbers the model does not know.`,
        nextStep: "Copy the model's own tokenizer folder again.",
      },
      text,
      cause,
    );
  }
  if (provider !== 'cpu') return asError(readDevice(part, provider, text), text, cause);
  return asError(
    { code: 'MODEL_BAD', message: `${part} could not be run.`, nextStep: 'See the details; the model may be of another kind.' },
    text,
    cause,
  );
}

function asError(reading: Reading, detail: string, cause: unknown): StopbathError {
  return new StopbathError({ ...reading, detail }, { cause });
}
