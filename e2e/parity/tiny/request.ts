import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeImage, decodeMask } from '../../../electron/media/decode.ts';
import type { RunInputs } from '../../../shared/engineProtocol.ts';
import {
  type GenerationRequest,
  type GenerationRequestInput,
  parseGenerationRequest,
  type Task,
} from '../../../shared/generation.ts';
import { tinyFixtures } from './folder.ts';
import type { GoldenArguments, GoldenCase } from './goldens.ts';

/** Cases whose call our request has no words for. */
export const beyondRequest: ReadonlyMap<string, string> = new Map([
  ['sd-prompts-2-negatives', 'a request has one negative prompt for all its prompts'],
  ['sdxl-refiner-part', 'a request goes on from a picture, not from the latents of another run'],
]);

/** Cases that our engine refuses, and the field it names: an SD export holds the text encoder's last layer only. */
export const refused: ReadonlyMap<string, string> = new Map([['sd-clip-skip', 'clipSkip']]);

type Pair = readonly [number, number];

const sized = (pair: Pair | undefined): { width: number; height: number } | null =>
  pair === undefined ? null : { height: pair[0], width: pair[1] };
const corner = (pair: Pair): { top: number; left: number } => ({ top: pair[0], left: pair[1] });

/** The same run as a request of ours. */
export function requestOf({ variant, task, scheduler, args, action }: GoldenCase): GenerationRequest {
  const [height, width] = args.size ?? [64, 64];
  const [prompt = '', ...morePrompts] = typeof args.prompt === 'string' ? [args.prompt] : args.prompt;
  const seeds = typeof args.seed === 'number' ? [args.seed] : args.seed;
  const { timestep_spacing: spacing, use_karras_sigmas: karras } = scheduler.config;
  const inputs = inputsOf(args);
  const request: GenerationRequestInput = {
    task,
    modelId: variant,
    prompt,
    morePrompts,
    negativePrompt: onlyNegative(args),
    prompt2: args.prompt_2 ?? null,
    negativePrompt2: args.negative_prompt_2 ?? null,
    promptSyntax: 'plain',
    clipSkip: args.clip_skip ?? 0,
    width,
    height,
    steps: args.num_inference_steps,
    guidanceScale: args.guidance_scale,
    guidanceEnd: action?.kind === 'cutoff' ? { kind: 'ratio', ratio: action.ratio } : { kind: 'never' },
    guidanceRescale: args.guidance_rescale ?? 0,
    scheduler: scheduler.id,
    sigmaSchedule: karras === true ? 'karras' : 'automatic',
    timestepSpacing: spacing === 'trailing' ? 'trailing' : 'automatic',
    eta: args.eta ?? 0,
    timesteps: args.timesteps === undefined ? null : [...args.timesteps],
    sigmas: args.sigmas === undefined ? null : [...args.sigmas],
    denoisingStart: args.denoising_start ?? null,
    denoisingEnd: args.denoising_end ?? null,
    seed: String(seeds[0]),
    batchSeeds: typeof args.seed === 'number' ? 'shared' : 'per-image',
    imagesPerPrompt: args.num_images_per_prompt ?? 1,
    image: inputs === null ? null : named('a', inputs.image),
    mask: inputs === null || inputs.mask === null ? null : named('b', inputs.mask),
    ...(args.strength === undefined ? {} : { strength: args.strength }),
    maskPadding: args.padding_mask_crop ?? null,
    // diffusers pastes only what it has cropped.
    keepUnmasked: args.padding_mask_crop !== undefined,
    ...(variant.startsWith('sdxl') ? { microConditioning: microConditioning(task, args) } : {}),
  };
  return parseGenerationRequest(request);
}

function onlyNegative({ negative_prompt: negative }: GoldenArguments): string | null {
  if (negative === null || typeof negative === 'string') return negative;
  const [first = '', ...rest] = negative;
  if (rest.some((other) => other !== first)) throw new Error('Negative prompts that differ.');
  return first;
}

function microConditioning(task: Task, args: GoldenArguments): GenerationRequestInput['microConditioning'] {
  return {
    originalSize: sized(args.original_size),
    cropTopLeft: corner(args.crops_coords_top_left ?? [0, 0]),
    targetSize: sized(args.target_size),
    negativeOriginalSize: sized(args.negative_original_size),
    negativeCropTopLeft: negativeCorner(task, args),
    negativeTargetSize: sized(args.negative_target_size),
    ...(args.aesthetic_score === undefined ? {} : { aestheticScore: args.aesthetic_score }),
    ...(args.negative_aesthetic_score === undefined ? {} : { negativeAestheticScore: args.negative_aesthetic_score }),
  };
}

/** diffusers' text-to-image hears a negative corner only beside both negative sizes; the other tasks have (0, 0) for none. */
function negativeCorner(task: Task, args: GoldenArguments): { top: number; left: number } | null {
  const isWhole = args.negative_original_size !== undefined && args.negative_target_size !== undefined;
  if (task === 'text-to-image' && !isWhole) return null;
  return corner(args.negative_crops_coords_top_left ?? [0, 0]);
}

const named = (letter: string, { width, height }: { width: number; height: number }): GenerationRequestInput['image'] => ({
  id: letter.repeat(64),
  width,
  height,
});

/** The pictures a case names; null for text-to-image. */
export function inputsOf({ image, mask_image: mask }: GoldenArguments): RunInputs | null {
  if (image === undefined) return null;
  const read = (name: string): Buffer => readFileSync(path.join(tinyFixtures, 'pictures', `${name}.png`));
  return { image: decodeImage(read(image), 'image'), mask: mask === undefined ? null : decodeMask(read(mask), 'mask') };
}
