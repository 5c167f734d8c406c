import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StopbathError } from '../../../shared/errors.ts';
import {
  type GuidanceEnd,
  maxSteps,
  parseGenerationRequest,
  type GenerationRequest,
  type ProviderChoice,
  providerIds,
  type SchedulerId,
  schedulerIds,
} from '../../../shared/generation.ts';
import type { ModelDefaults } from './defaults.ts';

export const usage = `Usage: npm run -s generate -- --prompt TEXT --out FILE.png [options]

  --negative TEXT         negative prompt
  --steps N               denoising steps, 1 to ${maxSteps}
  --guidance G            guidance scale; 1 or below switches guidance off
  --scheduler NAME        ${schedulerIds.join(' | ')}
  --seed S                0 to 18446744073709551615; drawn when left out
  --width W --height H    pixels
  --cfg-cutoff RATIO      guidance ends after step index trunc(steps * RATIO), as in diffusers
  --guided-steps K        exactly the first K steps are guided
  --stop-after K          stop at the end of the K-th step and write the clean estimate
  --model DIR             folder of an ONNX model; the built-in one when left out
  --provider NAME         auto | ${providerIds.join(' | ')}
  --dump-latents DIR      write the latents after every step as step_000.npy ...
  --trace FILE.json       write what really happened

Ctrl+C stops at the end of the step and keeps what there is.
Exit codes: 0 done, 1 unexpected failure, 2 bad arguments, 3 problem with the model or device, 130 stopped.
`;

const options = {
  prompt: { type: 'string' },
  negative: { type: 'string' },
  steps: { type: 'string' },
  guidance: { type: 'string' },
  scheduler: { type: 'string' },
  seed: { type: 'string' },
  width: { type: 'string' },
  height: { type: 'string' },
  'cfg-cutoff': { type: 'string' },
  'guided-steps': { type: 'string' },
  'stop-after': { type: 'string' },
  model: { type: 'string' },
  provider: { type: 'string' },
  'dump-latents': { type: 'string' },
  trace: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type OptionName = keyof typeof options;
export type Given = { readonly [Name in Exclude<OptionName, 'help'>]?: string } & { readonly help?: boolean };

/** An argument that cannot be used; the message names its option. */
export class ArgumentError extends Error {}

/** @throws ArgumentError for unknown options, values and file names left out, and positional arguments. */
export function parseOptions(argv: readonly string[]): Given {
  const given = parsed(argv);
  for (const name of ['model', 'trace', 'dump-latents'] as const) {
    if (given[name] === '') throw new ArgumentError(`--${name}: the name is empty.`);
  }
  return given;
}

function parsed(argv: readonly string[]): Given {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** What one call of the command line is to do. */
export interface CommandLine {
  readonly request: GenerationRequest;
  readonly modelFolder: string;
  readonly provider: ProviderChoice;
  readonly out: string;
  readonly trace: string | null;
  readonly dumpLatents: string | null;
  readonly stopAfter: number | null;
}

/**
 * @param randomSeed used when no seed is given
 * @throws ArgumentError naming the option that cannot be used.
 */
export function readCommandLine(given: Given, modelFolder: string, defaults: ModelDefaults, randomSeed: string): CommandLine {
  const prompt = required(given, 'prompt');
  const out = required(given, 'out');
  if (!out.toLowerCase().endsWith('.png')) throw new ArgumentError('--out: the file name must end in .png.');
  const request = checkedRequest({
    task: 'text-to-image',
    // Ids are the app's; the folder goes beside the request.
    modelId: 'command-line',
    prompt,
    negativePrompt: given.negative ?? null,
    width: whole(given, 'width') ?? defaults.width,
    height: whole(given, 'height') ?? defaults.height,
    steps: whole(given, 'steps') ?? defaults.steps,
    guidanceScale: decimal(given, 'guidance') ?? defaults.guidanceScale,
    guidanceEnd: guidanceEnd(given),
    scheduler: oneOf<SchedulerId>(given, 'scheduler', schedulerIds) ?? defaults.scheduler,
    seed: given.seed ?? randomSeed,
  });
  const stopAfter = whole(given, 'stop-after');
  if (stopAfter !== null && (stopAfter < 1 || stopAfter > request.steps)) {
    throw new ArgumentError(`--stop-after: a whole number from 1 to ${request.steps}.`);
  }
  if (given.trace !== undefined && resolve(given.trace) === resolve(out)) {
    throw new ArgumentError('--trace: the same file as --out.');
  }
  return {
    request,
    modelFolder,
    provider: oneOf<ProviderChoice>(given, 'provider', ['auto', ...providerIds]) ?? 'auto',
    out,
    trace: given.trace ?? null,
    dumpLatents: given['dump-latents'] ?? null,
    stopAfter,
  };
}

function required(given: Given, name: 'prompt' | 'out'): string {
  const value = given[name];
  if (value === undefined) throw new ArgumentError(`--${name} is needed.`);
  return value;
}

type ValueOption = Exclude<OptionName, 'help'>;

function decimal(given: Given, name: ValueOption): number | null {
  const text = given[name];
  if (text === undefined) return null;
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text)) throw new ArgumentError(`--${name}: "${text}" is no number.`);
  return Number(text);
}

function whole(given: Given, name: ValueOption): number | null {
  const value = decimal(given, name);
  if (value !== null && !Number.isInteger(value)) throw new ArgumentError(`--${name}: "${given[name] ?? ''}" is no whole number.`);
  return value;
}

function oneOf<T extends string>(given: Given, name: ValueOption, allowed: readonly T[]): T | null {
  const text = given[name];
  if (text === undefined) return null;
  const found = allowed.find((item) => item === text);
  if (found === undefined) throw new ArgumentError(`--${name}: "${text}" is none of ${allowed.join(', ')}.`);
  return found;
}

function guidanceEnd(given: Given): GuidanceEnd {
  const ratio = decimal(given, 'cfg-cutoff');
  const steps = whole(given, 'guided-steps');
  if (ratio !== null && steps !== null) throw new ArgumentError('--cfg-cutoff and --guided-steps exclude each other.');
  if (ratio !== null) {
    if (ratio < 0 || ratio > 1) throw new ArgumentError('--cfg-cutoff: a number from 0 to 1.');
    return { kind: 'ratio', ratio };
  }
  if (steps === null) return { kind: 'never' };
  if (steps < 0) throw new ArgumentError('--guided-steps: a whole number, 0 or more.');
  return { kind: 'guided-steps', steps };
}

/** The option behind a field of the request. */
export const optionOfField: Readonly<Record<string, string>> = {
  negativePrompt: 'negative',
  guidanceScale: 'guidance',
  'guidanceEnd.steps': 'guided-steps',
  'guidanceEnd.ratio': 'cfg-cutoff',
};

function checkedRequest(value: GenerationRequest): GenerationRequest {
  try {
    return parseGenerationRequest(value);
  } catch (error) {
    if (!(error instanceof StopbathError)) throw error;
    const field = error.field ?? '';
    throw new ArgumentError(`--${optionOfField[field] ?? field}${error.message.slice(field.length)}`);
  }
}
