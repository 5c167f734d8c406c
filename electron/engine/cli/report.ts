import type { Failure } from '../../../shared/errors.ts';
import { toFailure } from '../../../shared/errors.ts';
import { sayByOption } from './fieldOptions.ts';
import { ArgumentError } from './options.ts';

export const exitCodes = { done: 0, failed: 1, arguments: 2, model: 3, stopped: 130 } as const;

/** What is written about an error, and what the process ends with. */
export interface Report {
  readonly text: string;
  readonly exitCode: number;
}

export function reportOf(failure: Failure): Report {
  const { code, nextStep, detail } = failure;
  const next = nextStep === undefined ? '' : ` ${nextStep}`;
  const details = detail === undefined || code === 'INVALID_INPUT' ? '' : `${detail}\n`;
  return { text: `${sayByOption(failure)}${next}\n${details}`, exitCode: exitCodeOf(failure) };
}

function exitCodeOf({ code }: Failure): number {
  if (code === 'INVALID_INPUT') return exitCodes.arguments;
  const ofModel = code.startsWith('MODEL_') || code === 'PROVIDER_UNAVAILABLE' || code === 'OUT_OF_MEMORY';
  return ofModel ? exitCodes.model : exitCodes.failed;
}

export function reportOfThrown(error: unknown): Report {
  if (error instanceof ArgumentError) return { text: `${error.message}\nSee --help.\n`, exitCode: exitCodes.arguments };
  return reportOf(toFailure(error));
}
