import { assertNever } from './errors.ts';
import { microConditioningSchema, type GenerationRequest, type GuidanceCurve, type GuidanceEnd, type Reuse } from './generation.ts';
import { parseSigmaScheduleName, schedulerLabels, sigmaScheduleLabels, timestepSpacingLabels, type SchedulerId } from './samplers.ts';

/** What is known of a picture when its `parameters` text is written. */
export interface InfotextFacts {
  readonly request: GenerationRequest;
  /** The picture's place in the run's batch. */
  readonly batchIndex: number;
  readonly modelName: string;
  /** First 10 hex digits are written; null leaves the entry out. */
  readonly modelHash: string | null;
  /** Steps that really ran. */
  readonly stepsDone: number;
  /** Steps the run was planned for; written when it ended before them. */
  readonly numTimesteps?: number;
  /** The app's version. */
  readonly version: string;
}

type Entry = readonly [key: string, value: string] | null;

/** The i-th seed after one, as A1111 counts in a batch; after the last 64-bit seed comes 0. */
export function seedPlus(seed: GenerationRequest['seed'], index: number): string {
  return BigInt.asUintN(64, BigInt(seed) + BigInt(index)).toString();
}

/** The seed that draws this picture of a batch; with one stream for the whole batch only its place in it tells it apart. */
export function imageSeed(request: Pick<GenerationRequest, 'seed' | 'batchSeeds'>, batchIndex: number): string {
  return request.batchSeeds === 'per-image' ? seedPlus(request.seed, batchIndex) : request.seed;
}

/** The prompt this picture of a batch was drawn for: a prompt's pictures lie together. */
export function imagePrompt(request: Pick<GenerationRequest, 'prompt' | 'morePrompts' | 'imagesPerPrompt'>, batchIndex: number): string {
  return [request.prompt, ...request.morePrompts][Math.floor(batchIndex / request.imagesPerPrompt)] ?? request.prompt;
}

/**
 * The text A1111 and everything after it reads from a picture's `parameters` chunk: prompt, negative prompt, then one
 * line of settings. A1111's own keys are written where they mean the same there, ours under other names. Settings that are
 * as A1111 assumes them without a key are left out.
 */
export function formatInfotext(facts: InfotextFacts): string {
  const { request, batchIndex } = facts;
  const entries: Entry[] = [
    ...samplingEntries(facts),
    ['CFG scale', String(request.guidanceScale)],
    ['Seed', imageSeed(request, batchIndex)],
    ['Size', `${request.width}x${request.height}`],
    facts.modelHash === null ? null : ['Model hash', facts.modelHash.slice(0, 10)],
    ['Model', facts.modelName],
    ...pictureEntries(request),
    ...promptEntries(request),
    ...loraEntries(request),
    ...noiseEntries(facts),
    ...guidanceEntries(request),
    ...steeringEntries(request),
    ...sizeEntries(request),
    ['Version', `Stopbath ${facts.version}`],
  ];
  const settings = entries.filter((entry) => entry !== null).map(([key, value]) => `${key}: ${quote(value)}`);
  const lines = [imagePrompt(request, batchIndex)];
  // A1111 writes no line for an empty negative prompt; the difference between none and '' is kept in our own chunk.
  if (request.negativePrompt !== null && request.negativePrompt !== '') {
    lines.push(`Negative prompt: ${request.negativePrompt}`);
  }
  lines.push(settings.join(', '));
  return lines.join('\n');
}

/** Those of the list; tags stand in the prompts, as in A1111. Our own key: A1111's `Lora hashes` are SHA-256 of whole files. */
function loraEntries({ loras }: GenerationRequest): Entry[] {
  const texts = loras.map(({ name, strength, textStrength, curve }) => {
    const text = textStrength === null ? '' : ` (text ${String(textStrength)})`;
    const course = curve.kind === 'constant' ? '' : ` (${curve.points.map((point) => `${String(point.at)}=${String(point.strength)}`).join(' ')})`;
    return `${name} ${String(strength)}${text}${course}`;
  });
  return texts.length === 0 ? [] : [['LoRAs', texts.join(', ')]];
}

/**
 * A1111's "Automatic" means Karras or exponential for these (sd_samplers_kdiffusion.py), where ours means the model's own: so
 * the plain schedule has to be named.
 */
const automaticIsCurved: ReadonlySet<SchedulerId> = new Set(['dpmpp_2m', 'dpmpp_sde', 'dpmpp_2m_sde', 'dpm2', 'dpm2_a']);

function scheduleName({ scheduler, sigmaSchedule, timestepSpacing }: GenerationRequest): string {
  if (sigmaSchedule === 'uniform' && timestepSpacing === 'trailing') return 'SGM Uniform';
  if (sigmaSchedule === 'automatic' && automaticIsCurved.has(scheduler)) return sigmaScheduleLabels.uniform;
  return sigmaScheduleLabels[sigmaSchedule];
}

function samplingEntries({ request, stepsDone, numTimesteps = stepsDone }: InfotextFacts): Entry[] {
  const { scheduler, timestepSpacing, timesteps, sigmas, eta } = request;
  const whole = stepsDone === numTimesteps;
  const schedule = scheduleName(request);
  const spacingImplied = parseSigmaScheduleName(schedule)?.timestepSpacing === timestepSpacing;
  return [
    // What was asked for, of which image-to-image runs a share and Heun each step twice; what ran, where it was stopped.
    ['Steps', String(whole && timesteps === null && sigmas === null ? request.steps : stepsDone)],
    ['Sampler', schedulerLabels[scheduler]],
    ['Schedule type', schedule],
    spacingImplied ? null : ['Timestep spacing', timestepSpacingLabels[timestepSpacing]],
    whole ? null : ['Planned steps', String(numTimesteps)],
    timesteps === null ? null : ['Timesteps', timesteps.join(', ')],
    sigmas === null ? null : ['Sigmas', sigmas.join(', ')],
    scheduler === 'ddim' && eta > 0 ? ['Eta DDIM', String(eta)] : null,
    scheduler === 'tcd' ? ['Eta', String(eta)] : null,
  ];
}

function pictureEntries({ task, strength, denoisingStart, denoisingEnd, maskPadding, keepUnmasked }: GenerationRequest): Entry[] {
  const inpaint = task === 'inpaint';
  return [
    task !== 'text-to-image' && denoisingStart === null ? ['Denoising strength', String(strength)] : null,
    denoisingStart === null ? null : ['Denoising start', String(denoisingStart)],
    denoisingEnd === null ? null : ['Denoising end', String(denoisingEnd)],
    inpaint && maskPadding !== null ? ['Inpaint area', 'Only masked'] : null,
    inpaint && maskPadding !== null ? ['Masked area padding', String(maskPadding)] : null,
    inpaint && !keepUnmasked ? ['Keep unmasked', 'off'] : null,
  ];
}

function promptEntries({ prompt2, negativePrompt2, promptSyntax, clipSkip }: GenerationRequest): Entry[] {
  return [
    prompt2 === null ? null : ['Prompt 2', prompt2],
    negativePrompt2 === null ? null : ['Negative prompt 2', negativePrompt2],
    // A1111 counts layers from the last one, 1; diffusers and we count those left out.
    clipSkip === 0 ? null : ['Clip skip', String(clipSkip + 1)],
    // Brackets as text are A1111's "None"; none of its others is what ComfyUI does.
    promptSyntax === 'plain' ? ['Emphasis', 'None'] : null,
    promptSyntax === 'a1111' ? null : ['Prompt syntax', promptSyntax],
  ];
}

/** Without an RNG entry A1111 takes the noise to come from its card. */
const noiseNames = { 'torch-cpu': 'CPU', 'torch-cuda': 'GPU', 'a1111-nv': 'NV' } as const;

function noiseEntries({ request: { noise, batchSeeds, morePrompts, imagesPerPrompt }, batchIndex }: InfotextFacts): Entry[] {
  const size = (1 + morePrompts.length) * imagesPerPrompt;
  const together = size > 1 && batchSeeds === 'shared';
  return [
    ['RNG', noiseNames[noise.kind]],
    noise.kind === 'torch-cuda' ? ['CUDA threads', `${noise.sms}x${noise.threadsPerSm}`] : null,
    together ? ['Batch size', String(size)] : null,
    together ? ['Batch pos', String(batchIndex)] : null,
  ];
}

function guidanceEntries({ guidanceEnd, guidanceCurve, guidanceInterval, guidanceRescale }: GenerationRequest): Entry[] {
  return [
    guidanceEnd.kind === 'never' ? null : ['Guidance end', formatGuidanceEnd(guidanceEnd)],
    guidanceCurve.kind === 'constant' ? null : ['Guidance curve', formatGuidanceCurve(guidanceCurve)],
    guidanceInterval === null ? null : ['Guidance interval', `sigma ${guidanceInterval.sigmaLow} to ${guidanceInterval.sigmaHigh}`],
    guidanceRescale === 0 ? null : ['Guidance rescale', String(guidanceRescale)],
  ];
}

function formatGuidanceEnd(end: Exclude<GuidanceEnd, { kind: 'never' }>): string {
  switch (end.kind) {
    case 'ratio':
      return `ratio ${end.ratio}`;
    case 'guided-steps':
      return `guided steps ${end.steps}`;
    case 'evidence':
      return `evidence ${end.cosine}`;
    default:
      return assertNever(end);
  }
}

function formatGuidanceCurve(curve: Exclude<GuidanceCurve, { kind: 'constant' }>): string {
  switch (curve.kind) {
    case 'linear':
    case 'cosine':
      return `${curve.kind} to ${curve.to}`;
    case 'list':
      return `list ${curve.scales.join(' ')}`;
    case 'points':
      return `${curve.smooth ? 'smooth' : 'straight'} ${curve.points.map(({ at, scale }) => `${at}=${scale}`).join(' ')}`;
    default:
      return assertNever(curve);
  }
}

function formatReuse(reuse: Exclude<Reuse, { kind: 'none' }>): string {
  return reuse.kind === 'steps' ? `steps below ${reuse.threshold} at most ${reuse.most}` : `${reuse.kind} every ${reuse.every}`;
}

/** What was done to the run while it went on, as JSON: a list of what counted after which step. */
function steeringEntries({ reuse, steering, callbacks }: GenerationRequest): Entry[] {
  return [
    callbacks.length === 0 ? null : ['Callbacks', callbacks.map(({ name }) => name).join(', ')],
    reuse.kind === 'none' ? null : ['Reuse', formatReuse(reuse)],
    steering.length === 0 ? null : ['Steering', JSON.stringify(steering.map((entry) => ({ after: entry.afterStep + 1, ...entry.steering })))],
  ];
}

const usualConditioning = microConditioningSchema.parse({});

/** SDXL's size conditioning, where it is not what the picture's own size gives. */
function sizeEntries({ microConditioning: given }: GenerationRequest): Entry[] {
  const size = (key: string, value: { width: number; height: number } | null): Entry =>
    value === null ? null : [key, `${value.width}x${value.height}`];
  const corner = (key: string, value: { top: number; left: number } | null): Entry =>
    value === null || (value.top === 0 && value.left === 0) ? null : [key, `top ${value.top} left ${value.left}`];
  const score = (key: string, value: number, usual: number): Entry => (value === usual ? null : [key, String(value)]);
  return [
    size('Original size', given.originalSize),
    corner('Crop', given.cropTopLeft),
    size('Target size', given.targetSize),
    size('Negative original size', given.negativeOriginalSize),
    corner('Negative crop', given.negativeCropTopLeft),
    size('Negative target size', given.negativeTargetSize),
    score('Aesthetic score', given.aestheticScore, usualConditioning.aestheticScore),
    score('Negative aesthetic score', given.negativeAestheticScore, usualConditioning.negativeAestheticScore),
  ];
}

/** A value that would break the list is written as a JSON string, non-ASCII characters as they are. */
function quote(value: string): string {
  return /[,:\n"]/.test(value) ? JSON.stringify(value) : value;
}
