import { z } from 'zod';
import { StopbathError } from './errors.ts';
import { guidanceCurveSchema, guidanceEndSchema, guidanceIntervalSchema, scaleSchema } from './guidance.ts';
import { loraSchema, maxLoras } from './loras.ts';
import { microConditioningSchema } from './microConditioning.ts';
import { noiseKindSchema, seedSchema } from './noise.ts';
import { maxBatch, maxSteps, promptSchema } from './requestLimits.ts';
import { reuseSchema } from './reuse.ts';
import { schedulerIds, sigmaScheduleIds, timestepSpacingIds } from './samplers.ts';
import { steeringEntrySchema } from './steering.ts';

export {
  type GuidanceCurve,
  guidanceCurveSchema,
  type GuidanceEnd,
  guidanceEndSchema,
  type GuidanceInterval,
  guidanceIntervalSchema,
  guidedSteps,
} from './guidance.ts';
export { type Lora, type LoraCurve, loraCurveSchema, loraSchema, maxLoras } from './loras.ts';
export { type MicroConditioning, microConditioningSchema } from './microConditioning.ts';
export { type NoiseKind, noiseKindSchema, seedSchema } from './noise.ts';
export { maxBatch, maxPromptLength, maxSteps } from './requestLimits.ts';
export { type Reuse, reuseSchema } from './reuse.ts';
export { type Steering, type SteeringEntry, steeringEntrySchema, steeringSchema, type Tail, tailSchema } from './steering.ts';

export const providerIds = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'] as const;
export type ProviderId = (typeof providerIds)[number];
export type ProviderChoice = 'auto' | ProviderId;

export const tasks = ['text-to-image', 'image-to-image', 'inpaint'] as const;
export type Task = (typeof tasks)[number];

/** Width or height in pixels; a multiple of 8, the smallest factor of a Stable Diffusion VAE. */
const sideSchema = z.int().min(64).max(2048).multipleOf(8);

/** A picture among the app's inputs, named by the SHA-256 of its PNG file. */
export const inputImageSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/, 'no input picture'),
  width: z.int().min(1).max(16_384),
  height: z.int().min(1).max(16_384),
});
export type InputImage = z.infer<typeof inputImageSchema>;

export const maxCallbacks = 8;
/** Characters of a callback's source. */
export const maxCallbackLength = 20_000;

/** A step-end callback as a JavaScript text; it is run where nothing but the run's numbers and tensors can be reached. */
export const userCallbackSchema = z.object({
  name: z.string().min(1).max(80),
  source: z.string().max(maxCallbackLength),
});
export type UserCallback = z.infer<typeof userCallbackSchema>;

export const promptSyntaxes = ['a1111', 'comfy', 'plain'] as const;

const baseSchema = z.object({
  task: z.enum(tasks),
  modelId: z.string().min(1).max(200),
  prompt: promptSchema,
  /** `null`: no negative prompt was given; `''`: the empty prompt is encoded. Some models treat the two differently. */
  negativePrompt: promptSchema.nullable(),
  /** Further prompts of the same batch; each gets `imagesPerPrompt` pictures. */
  morePrompts: z.array(promptSchema).max(maxBatch - 1).default([]),
  /** For SDXL's second text encoder; null: the same as the first. */
  prompt2: promptSchema.nullable().default(null),
  negativePrompt2: promptSchema.nullable().default(null),
  /** How brackets are read. `a1111` and `comfy` differ in how an emphasis changes the embeddings; `plain`: as text. */
  promptSyntax: z.enum(promptSyntaxes).default('a1111'),
  /** Text-encoder layers left out at the end, as in diffusers: 0 takes the last. */
  clipSkip: z.int().min(0).max(12).default(0),
  width: sideSchema,
  height: sideSchema,
  steps: z.int().min(1).max(maxSteps),
  /** At 1 or below nothing is guided. */
  guidanceScale: scaleSchema,
  guidanceEnd: guidanceEndSchema,
  guidanceCurve: guidanceCurveSchema.default({ kind: 'constant' }),
  guidanceInterval: guidanceIntervalSchema.nullable().default(null),
  /** phi of arXiv 2305.08891. */
  guidanceRescale: z.number().min(0).max(1).default(0),
  scheduler: z.enum(schedulerIds),
  sigmaSchedule: z.enum(sigmaScheduleIds).default('automatic'),
  timestepSpacing: z.enum(timestepSpacingIds).default('automatic'),
  /** DDIM and TCD: 0 adds no noise. */
  eta: z.number().min(0).max(1).default(0),
  /** The model's own schedule is put aside for these; `steps` is then ignored. */
  timesteps: z.array(z.number().min(0).max(1000)).min(1).max(2 * maxSteps).nullable().default(null),
  sigmas: z.array(z.number().min(0).max(10_000)).min(2).max(2 * maxSteps).nullable().default(null),
  /** Shares of the whole schedule, SDXL's base-and-refiner split. */
  denoisingStart: z.number().gt(0).lt(1).nullable().default(null),
  denoisingEnd: z.number().gt(0).lt(1).nullable().default(null),
  seed: seedSchema,
  noise: noiseKindSchema.default({ kind: 'torch-cpu' }),
  imagesPerPrompt: z.int().min(1).max(maxBatch).default(1),
  /** `per-image`: picture i has the noise of seed + i, and equals the single run with that seed. `shared`: one stream for the batch. */
  batchSeeds: z.enum(['per-image', 'shared']).default('per-image'),
  /** Where image-to-image and inpainting start. */
  image: inputImageSchema.nullable().default(null),
  /** White is painted again, black stays; sides of `image`. */
  mask: inputImageSchema.nullable().default(null),
  /** How much of the way back to noise the start goes; 0 exclusive, 1 is pure noise. */
  strength: z.number().min(0).max(1).default(0.8),
  /** Pixels kept around the mask when only its surroundings are drawn, at full size; null: the whole picture is. */
  maskPadding: z.int().min(0).max(1024).nullable().default(null),
  /** Pasting back what lies outside the mask, pixel by pixel, with the mask's soft edges. */
  keepUnmasked: z.boolean().default(true),
  microConditioning: microConditioningSchema.default(microConditioningSchema.parse({})),
  reuse: reuseSchema.default({ kind: 'none' }),
  loras: z.array(loraSchema).max(maxLoras).default([]),
  /** The steering log: applied again at the same steps, in order of `afterStep`. */
  steering: z.array(steeringEntrySchema).max(1000).default([]),
  /** Asked at the end of every step, in this order. */
  callbacks: z.array(userCallbackSchema).max(maxCallbacks).default([]),
});

/** A saved request of the time when Karras sigmas were a scheduler of their own. */
function withoutLegacyNames(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('scheduler' in value)) return value;
  return value.scheduler === 'dpmpp_2m_karras' ? { ...value, scheduler: 'dpmpp_2m', sigmaSchedule: 'karras' } : value;
}

/** Everything that decides a picture: the same request on the same model gives the same picture. */
export const generationRequestSchema = z.preprocess(withoutLegacyNames, baseSchema.superRefine(checkTogether));
export type GenerationRequest = z.output<typeof baseSchema>;
/** What a caller has to say; the rest has defaults. */
export type GenerationRequestInput = z.input<typeof baseSchema>;

/** What fields can only be judged on together. */
function checkTogether(request: GenerationRequest, context: z.RefinementCtx): void {
  const refuse = (field: keyof GenerationRequest, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message });
  };
  const { task, image, mask, strength, denoisingStart, denoisingEnd } = request;
  if (task === 'text-to-image') {
    if (image !== null) refuse('image', 'text-to-image takes no picture');
    if (denoisingStart !== null) refuse('denoisingStart', 'needs a picture to go on from');
  } else {
    if (image === null) refuse('image', 'a picture is needed');
    if (denoisingStart === null && strength <= 0) refuse('strength', 'must be above 0: nothing would be drawn');
  }
  if (task !== 'inpaint' && mask !== null) refuse('mask', 'only inpainting takes a mask');
  if (task === 'inpaint') {
    if (mask === null) refuse('mask', 'a mask is needed');
    else if (image !== null && (mask.width !== image.width || mask.height !== image.height)) {
      refuse('mask', `must have the sides of the picture, ${image.width} x ${image.height}, not ${mask.width} x ${mask.height}`);
    }
  }
  if (request.timesteps !== null && request.sigmas !== null) refuse('sigmas', 'timesteps and sigmas exclude each other');
  if (denoisingStart !== null && denoisingEnd !== null && denoisingStart >= denoisingEnd) {
    refuse('denoisingEnd', 'must lie after denoisingStart');
  }
  for (const [index, { name, curve }] of request.loras.entries()) {
    if (request.loras.findIndex((other) => other.name === name) < index) refuse('loras', `${JSON.stringify(name)} is there twice`);
    const places = curve.kind === 'points' ? curve.points.map(({ at }) => at) : [];
    if (places.some((at, place) => at < (places[place - 1] ?? 0))) refuse('loras', `the points of ${JSON.stringify(name)} are not in ascending order`);
  }
  if (batchSize(request) > maxBatch) refuse('imagesPerPrompt', `at most ${maxBatch} pictures in one run`);
}

/** Pictures a request draws at once. */
export function batchSize(request: Pick<GenerationRequest, 'morePrompts' | 'imagesPerPrompt'>): number {
  return (1 + request.morePrompts.length) * request.imagesPerPrompt;
}

/**
 * Checks an untrusted request.
 * @throws StopbathError `INVALID_INPUT` naming the first bad field.
 */
export function parseGenerationRequest(value: unknown): GenerationRequest {
  const parsed = generationRequestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new StopbathError({
    code: 'INVALID_INPUT',
    message: field === '' ? 'The request is not readable.' : `${field}: ${issue?.message ?? 'is not valid'}`,
    ...(field === '' ? {} : { field }),
  });
}
