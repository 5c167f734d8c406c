import { resolve } from 'node:path';
import { StopbathError } from '../../../shared/errors.ts';
import {
  batchSize,
  type GenerationRequest,
  type GenerationRequestInput,
  parseGenerationRequest,
  promptSyntaxes,
  type ProviderChoice,
  providerIds,
} from '../../../shared/generation.ts';
import { type SchedulerId, schedulerIds, takesEta } from '../../../shared/samplers.ts';
import type { ModelDefaults } from './defaults.ts';
import { sayByOption } from './fieldOptions.ts';
import { guidanceCurve, guidanceEnd, guidanceInterval, microConditioning, noiseKind, sampler } from './fields.ts';
import { pictureFiles } from './files.ts';
import { type GivenLora, lorasAsked } from './loras.ts';
import { ArgumentError, type Given, type ValueOption } from './options.ts';
import type { Pictures } from './pictures.ts';
import { chooseSize } from './size.ts';
import { reuseOf } from './steering.ts';
import { decimal, decimals, oneOf, refuse, requireNotBoth, whole } from './values.ts';

/** What one call of the command line is to do. */
export interface CommandLine {
  readonly request: GenerationRequest;
  readonly modelFolder: string;
  readonly provider: ProviderChoice;
  /** A file for every picture of the batch. */
  readonly outs: readonly string[];
  readonly trace: string | null;
  readonly dumpLatents: string | null;
  readonly stopAfter: number | null;
  /** What the person should know before the run; a sentence each. */
  readonly notes: readonly string[];
}

export interface Surroundings {
  readonly modelFolder: string;
  readonly defaults: ModelDefaults;
  /** null without --init. */
  readonly pictures: Pictures | null;
  /** Used when no seed is given. */
  readonly randomSeed: string;
  /** Of --steer and --steering, unchecked; left out: none. */
  readonly steering?: readonly unknown[];
  /** Of --lora; left out: none. */
  readonly loras?: readonly GivenLora[];
}

/** @throws ArgumentError naming the option that cannot be used. */
export function readCommandLine(given: Given, around: Surroundings): CommandLine {
  requireUsable(given);
  const out = required(given, 'out');
  if (!out.toLowerCase().endsWith('.png')) refuse('out', 'the file name must end in .png.');
  const { request, notes } = readRequest(given, around);
  const stopAfter = whole(given, 'stop-after');
  const calls = mostModelCalls(request);
  if (stopAfter !== null && (stopAfter < 1 || stopAfter > calls)) refuse('stop-after', `a whole number from 1 to ${calls}.`);
  const outs = pictureFiles(out, batchSize(request));
  const { trace } = given;
  if (trace !== undefined && outs.some((file) => resolve(file) === resolve(trace))) refuse('trace', 'the same file as --out.');
  return {
    request,
    modelFolder: around.modelFolder,
    provider: oneOf<ProviderChoice>(given, 'provider', ['auto', ...providerIds]) ?? 'auto',
    outs,
    trace: trace ?? null,
    dumpLatents: given['dump-latents'] ?? null,
    stopAfter,
    notes,
  };
}

function readRequest(given: Given, { defaults, pictures, randomSeed, steering = [], loras = [] }: Surroundings): { request: GenerationRequest; notes: string[] } {
  const chosen = chooseSize(given, defaults, pictures?.image ?? null);
  const sampling = sampler(given, defaults);
  if (given.eta !== undefined && !takesEta(sampling.scheduler)) refuse('eta', `is for ${schedulerIds.filter(takesEta).join(' and ')}, not ${sampling.scheduler}.`);
  const request = checkedRequest({
    task: pictures === null ? 'text-to-image' : pictures.mask === null ? 'image-to-image' : 'inpaint',
    // Ids are the app's; the folder goes beside the request.
    modelId: 'command-line',
    prompt: required(given, 'prompt'),
    negativePrompt: given.negative ?? null,
    morePrompts: [...(given['more-prompt'] ?? [])],
    prompt2: given.prompt2 ?? null,
    negativePrompt2: given.negative2 ?? null,
    promptSyntax: oneOf(given, 'syntax', promptSyntaxes) ?? undefined,
    clipSkip: whole(given, 'clip-skip') ?? undefined,
    width: chosen.width,
    height: chosen.height,
    steps: whole(given, 'steps') ?? defaults.steps,
    guidanceScale: decimal(given, 'guidance') ?? defaults.guidanceScale,
    guidanceEnd: guidanceEnd(given),
    guidanceCurve: guidanceCurve(given),
    guidanceInterval: guidanceInterval(given),
    guidanceRescale: decimal(given, 'guidance-rescale') ?? undefined,
    ...sampling,
    eta: decimal(given, 'eta') ?? undefined,
    timesteps: decimals(given, 'timesteps'),
    sigmas: decimals(given, 'sigmas'),
    denoisingStart: decimal(given, 'denoising-start'),
    denoisingEnd: decimal(given, 'denoising-end'),
    seed: given.seed ?? randomSeed,
    noise: noiseKind(given),
    imagesPerPrompt: whole(given, 'images') ?? undefined,
    batchSeeds: oneOf<GenerationRequest['batchSeeds']>(given, 'batch-seeds', ['per-image', 'shared']) ?? undefined,
    image: pictures?.image ?? null,
    mask: pictures?.mask ?? null,
    strength: decimal(given, 'strength') ?? undefined,
    maskPadding: whole(given, 'mask-padding'),
    keepUnmasked: given['no-keep-unmasked'] === true ? false : undefined,
    microConditioning: microConditioning(given),
    reuse: given.reuse === undefined ? undefined : reuseOf('reuse', given.reuse),
    loras: lorasAsked(loras),
    // Checked with the rest.
    steering: steering as GenerationRequestInput['steering'],
  });
  return { request, notes: [...(pictures?.notes ?? []), ...chosen.notes] };
}

/** Options that mean nothing without another, or against another, are refused rather than passed over. */
function requireUsable(given: Given): void {
  for (const name of ['strength', 'denoising-start'] as const) {
    if (given[name] !== undefined && given.init === undefined) refuse(name, 'needs a picture: --init.');
  }
  if (given['mask-padding'] !== undefined && given.mask === undefined) refuse('mask-padding', 'needs a mask: --mask.');
  if (given['no-keep-unmasked'] === true && given.mask === undefined) refuse('no-keep-unmasked', 'needs a mask: --mask.');
  requireNotBoth(given, 'sigmas', 'timesteps');
  requireNotBoth(given, 'timesteps', 'steps');
  requireNotBoth(given, 'sigmas', 'steps');
  requireNotBoth(given, 'denoising-start', 'strength');
}

function required(given: Given, name: Extract<ValueOption, 'prompt' | 'out'>): string {
  return given[name] ?? refuse(name, 'is needed.');
}

/**
 * Diffusers' two-call solvers take 2N - 1 model calls, its PNDM N + 1, or with Runge-Kutta steps, which the model's file
 * decides, N + 9; a step of the loop is one call.
 */
const callsOf: { readonly [Id in SchedulerId]?: (steps: number) => number } = {
  heun: (steps) => 2 * steps - 1,
  dpm2: (steps) => 2 * steps - 1,
  dpm2_a: (steps) => 2 * steps - 1,
  pndm: (steps) => steps + 9,
};

function mostModelCalls({ steps, timesteps, sigmas, scheduler, steering }: GenerationRequest): number {
  const planned = timesteps?.length ?? sigmas?.length ?? steps;
  const tails = steering.map(({ afterStep, steering: { tail } }) =>
    tail === undefined ? 0 : afterStep + 1 + (callsOf[tail.scheduler ?? scheduler]?.(tail.steps) ?? tail.steps),
  );
  return Math.max(callsOf[scheduler]?.(planned) ?? planned, ...tails);
}

function checkedRequest(value: GenerationRequestInput): GenerationRequest {
  try {
    return parseGenerationRequest(value);
  } catch (error) {
    if (!(error instanceof StopbathError)) throw error;
    throw new ArgumentError(sayByOption(error));
  }
}
