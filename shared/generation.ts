import { z } from 'zod';
import { StopbathError } from './errors.ts';
import { schedulerIds, sigmaScheduleIds, timestepSpacingIds } from './samplers.ts';

export const providerIds = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'] as const;
export type ProviderId = (typeof providerIds)[number];
export type ProviderChoice = 'auto' | ProviderId;

export const tasks = ['text-to-image', 'image-to-image', 'inpaint'] as const;
export type Task = (typeof tasks)[number];

/**
 * When classifier-free guidance ends.
 * `ratio`: diffusers' SDCFGCutoffCallback: off at the END of step index trunc(T * ratio), so trunc(T * ratio) + 1 steps
 * are guided. `guided-steps`: exactly that many steps are guided, 0 meaning none.
 */
export const guidanceEndSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('never') }),
  z.object({ kind: z.literal('ratio'), ratio: z.number().min(0).max(1) }),
  z.object({ kind: z.literal('guided-steps'), steps: z.int().min(0).max(1000) }),
  /** For good once the cosine similarity of the two predictions reaches this: adaptive guidance, arXiv 2312.12487. */
  z.object({ kind: z.literal('evidence'), cosine: z.number().min(0).max(1) }),
]);
export type GuidanceEnd = z.infer<typeof guidanceEndSchema>;

export const maxPromptLength = 20_000;
export const maxSteps = 500;
/** Pictures one run can hold at once. */
export const maxBatch = 16;

const seedPattern = /^(0|[1-9][0-9]{0,19})$/;

/** A 64-bit unsigned seed as a decimal string: JSON numbers lose the digits above 2^53. */
export const seedSchema = z
  .string()
  .regex(seedPattern, 'a whole number from 0 to 18446744073709551615')
  .refine((text) => !seedPattern.test(text) || BigInt(text) <= 0xffff_ffff_ffff_ffffn, 'at most 18446744073709551615');

/** Width or height in pixels; a multiple of 8, the smallest factor of a Stable Diffusion VAE. */
const sideSchema = z.int().min(64).max(2048).multipleOf(8);

const scaleSchema = z.number().min(0).max(30);
const promptSchema = z.string().max(maxPromptLength);

/** How the guidance scale runs over the steps while guidance is on; `guidanceScale` is where it starts. */
export const guidanceCurveSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('constant') }),
  z.object({ kind: z.literal('linear'), to: scaleSchema }),
  z.object({ kind: z.literal('cosine'), to: scaleSchema }),
  /** One scale a step; the last one holds for further steps. */
  z.object({ kind: z.literal('list'), scales: z.array(scaleSchema).min(1).max(2 * maxSteps) }),
  /** Drawn by hand: `at` is the share of the run's steps, ascending; straight lines, or a monotone cubic (Fritsch-Carlson). */
  z.object({
    kind: z.literal('points'),
    points: z.array(z.object({ at: z.number().min(0).max(1), scale: scaleSchema })).min(1).max(64),
    smooth: z.boolean(),
  }),
]);
export type GuidanceCurve = z.infer<typeof guidanceCurveSchema>;

/** Guidance only while the step's sigma lies within, both ends included (arXiv 2404.07724). */
export const guidanceIntervalSchema = z
  .object({ sigmaLow: z.number().min(0), sigmaHigh: z.number().min(0) })
  .refine(({ sigmaLow, sigmaHigh }) => sigmaLow <= sigmaHigh, { path: ['sigmaHigh'], message: 'not below sigmaLow' });
export type GuidanceInterval = z.infer<typeof guidanceIntervalSchema>;

/**
 * Whose noise a seed stands for. `torch-cpu`: MT19937. `torch-cuda`: Philox as a card with that many threads at once fills
 * a tensor (SMs x threads per SM). `a1111-nv`: Philox with a thread for every value: what A1111 and ComfyUI call NV, and
 * what every card gives for small latents.
 */
export const noiseKindSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('torch-cpu') }),
  z.object({ kind: z.literal('torch-cuda'), sms: z.int().min(1).max(1024), threadsPerSm: z.int().min(256).max(4096) }),
  z.object({ kind: z.literal('a1111-nv') }),
]);
export type NoiseKind = z.infer<typeof noiseKindSchema>;

/** A picture among the app's inputs, named by the SHA-256 of its PNG file. */
export const inputImageSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/, 'no input picture'),
  width: z.int().min(1).max(16_384),
  height: z.int().min(1).max(16_384),
});
export type InputImage = z.infer<typeof inputImageSchema>;

const sizeSchema = z.object({ width: z.int().min(1).max(8192), height: z.int().min(1).max(8192) });
const cornerSchema = z.object({ top: z.int().min(-8192).max(8192), left: z.int().min(-8192).max(8192) });

/** SDXL's size conditioning. A size that is null follows the picture; a negative one that is null follows the positive one (the refiner's negative corner is 0, 0). */
export const microConditioningSchema = z.object({
  originalSize: sizeSchema.nullable().default(null),
  cropTopLeft: cornerSchema.default({ top: 0, left: 0 }),
  targetSize: sizeSchema.nullable().default(null),
  negativeOriginalSize: sizeSchema.nullable().default(null),
  negativeCropTopLeft: cornerSchema.nullable().default(null),
  negativeTargetSize: sizeSchema.nullable().default(null),
  /** Only models whose model_index.json asks for it. */
  aestheticScore: z.number().min(0).max(10).default(6),
  negativeAestheticScore: z.number().min(0).max(10).default(2.5),
});
export type MicroConditioning = z.infer<typeof microConditioningSchema>;

/**
 * Model calls left out where an earlier answer serves; a draft, never the default.
 * `unconditional`: its difference to the conditional answer is kept for `every` - 1 further steps. `steps`: a whole step's
 * answer is used again while the clean estimate changes by less than `threshold` (relative RMS), never twice in a row more
 * than `most` times. `features`: one step of `every` runs the whole UNet, the others its outermost layers with the deep features
 * that one left; only models whose graphs are our own.
 */
export const reuseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('unconditional'), every: z.int().min(2).max(10) }),
  z.object({ kind: z.literal('steps'), threshold: z.number().min(0).max(1), most: z.int().min(1).max(5) }),
  z.object({ kind: z.literal('features'), every: z.int().min(2).max(10) }),
]);
export type Reuse = z.infer<typeof reuseSchema>;

/** A new plan for the steps that are left, from the noise level the run has reached down to none. */
export const tailSchema = z.object({
  steps: z.int().min(1).max(maxSteps),
  scheduler: z.enum(schedulerIds).optional(),
  sigmaSchedule: z.enum(sigmaScheduleIds).optional(),
  timestepSpacing: z.enum(timestepSpacingIds).optional(),
});
export type Tail = z.infer<typeof tailSchema>;

export const maxLoras = 8;
const loraStrengthSchema = z.number().min(-4).max(4);
const loraNameSchema = z.string().min(1).max(200);

/** How a LoRA's strength runs over the steps; `at` is the share of the run's steps, ascending, straight lines between. */
export const loraCurveSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('constant') }),
  z.object({
    kind: z.literal('points'),
    points: z.array(z.object({ at: z.number().min(0).max(1), strength: loraStrengthSchema })).min(1).max(64),
  }),
]);
export type LoraCurve = z.infer<typeof loraCurveSchema>;

/** A LoRA by its file name without the ending. `<lora:name:0.8>` in a prompt adds one, too. At 0 it changes nothing, bit for bit. */
export const loraSchema = z.object({
  name: loraNameSchema,
  strength: loraStrengthSchema.default(1),
  /** For the text encoders; null: as `strength`. */
  textStrength: loraStrengthSchema.nullable().default(null),
  curve: loraCurveSchema.default({ kind: 'constant' }),
});
export type Lora = z.infer<typeof loraSchema>;

/** What may change while a run goes on; applied from the next step. Everything here but `paceMs` changes the picture. */
export const steeringSchema = z.object({
  guidanceScale: scaleSchema.optional(),
  guidanceEnd: guidanceEndSchema.optional(),
  guidanceCurve: guidanceCurveSchema.optional(),
  guidanceInterval: guidanceIntervalSchema.nullable().optional(),
  guidanceRescale: z.number().min(0).max(1).optional(),
  prompt: promptSchema.optional(),
  negativePrompt: promptSchema.nullable().optional(),
  /** For the noise that later steps add; what was drawn stays. */
  noiseSeed: seedSchema.optional(),
  tail: tailSchema.optional(),
  reuse: reuseSchema.optional(),
  /** Strengths of LoRAs the run was started with; a strength given here ends the LoRA's curve. */
  loras: z
    .array(z.object({ name: loraNameSchema, strength: loraStrengthSchema, curve: loraCurveSchema.optional() }))
    .max(maxLoras)
    .optional(),
  /** Least wall time of a step in milliseconds, so that a fast model can be watched. 0: full speed. */
  paceMs: z.number().min(0).max(10_000).optional(),
});
export type Steering = z.infer<typeof steeringSchema>;

/** Something done to a run; together with the request it is all that is needed to draw the same picture again. */
export const steeringEntrySchema = z.object({
  /** 0-based index of the step after which it counts. */
  afterStep: z.int().min(0),
  steering: steeringSchema.omit({ paceMs: true }),
});
export type SteeringEntry = z.infer<typeof steeringEntrySchema>;

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

/** The number of guided steps of a run with `numTimesteps` loop iterations, guidance being on at its start. */
export function guidedSteps(end: GuidanceEnd, numTimesteps: number): number {
  switch (end.kind) {
    case 'never':
    case 'evidence':
      return numTimesteps;
    case 'ratio':
      return Math.min(numTimesteps, Math.trunc(numTimesteps * end.ratio) + 1);
    case 'guided-steps':
      return Math.min(numTimesteps, end.steps);
  }
}
