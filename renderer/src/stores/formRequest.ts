import type { Model } from '../../../shared/models.ts';
import {
  guidedSteps,
  maxSteps,
  microConditioningSchema,
  type GenerationRequest,
  type GuidanceCurve,
  type GuidanceInterval,
  type MicroConditioning,
  type NoiseKind,
  type Reuse,
} from '../../../shared/generation.ts';
import { furtherPrompts, type FormState } from './form.ts';
import { sigmaRange } from './formErrors.ts';
import { lorasFrom, lorasOf } from './loraStrength.ts';
import { readInteger, readNumber, readNumberList, readPair } from './readText.ts';
import { askedSteps, formPlan, requestPlan, startsByShare, strengthKey, usesEta } from './stepPlan.ts';

/** Where it does not act it is what a request without one says, for two equal runs are to have equal requests. */
const unusedStrength = 0.8;

const read = (text: string): number => readNumber(text) ?? 0;

/** Pictures that one run draws for each prompt, and runs that are sent. */
export function splitCount(form: FormState): { readonly imagesPerPrompt: number; readonly runs: number } {
  const count = readNumber(form.count) ?? 1;
  return form.together ? { imagesPerPrompt: count, runs: 1 } : { imagesPerPrompt: 1, runs: count };
}

/**
 * The request of a form that `checkForm` found no error in. Fields that are not on screen, because the task, the sampler
 * or the model has none, keep their defaults.
 */
export function toRequest(form: FormState, model: Model, seed: string): GenerationRequest {
  const withPicture = form.task !== 'text-to-image';
  const inpaint = form.task === 'inpaint';
  return {
    task: form.task,
    modelId: model.id,
    prompt: form.prompt,
    // An untouched field is "none given"; the interface offers no way to ask for the encoded empty prompt.
    negativePrompt: negativeOf(form, form.negativePrompt),
    morePrompts: [...furtherPrompts(form)],
    promptSyntax: form.promptSyntax,
    clipSkip: read(form.clipSkip),
    width: read(form.width),
    height: read(form.height),
    // Where a list takes its place, it is ignored, and need not be readable.
    steps: readInteger(form.steps, 1, maxSteps) ?? Math.min(maxSteps, askedSteps(form) ?? 1),
    guidanceScale: read(form.guidanceScale),
    guidanceEnd: guidanceEndOf(form),
    guidanceCurve: curveOf(form),
    guidanceInterval: intervalOf(form),
    guidanceRescale: read(form.guidanceRescale),
    reuse: reuseOf(form),
    loras: model.takesLoras ? lorasOf(form.loras) : [],
    steering: [...form.steering],
    callbacks: form.callbacks.filter(({ on }) => on).map(({ name, source }) => ({ name, source })),
    scheduler: form.scheduler,
    sigmaSchedule: form.sigmaSchedule,
    timestepSpacing: form.timestepSpacing,
    eta: usesEta(form.scheduler) ? read(form.eta) : 0,
    timesteps: listOf(form.timesteps),
    sigmas: listOf(form.sigmas),
    seed,
    noise: noiseOf(form),
    imagesPerPrompt: splitCount(form).imagesPerPrompt,
    batchSeeds: form.batchSeeds,
    image: withPicture ? form.image : null,
    mask: inpaint ? form.mask : null,
    strength: withPicture && !startsByShare(form, model) ? read(form[strengthKey(form)]) : unusedStrength,
    maskPadding: inpaint && form.maskPadding !== null ? read(form.maskPadding) : null,
    keepUnmasked: inpaint ? form.keepUnmasked : true,
    ...(model.family === 'sdxl' ? sdxlOf(form) : noSdxl),
  };
}

const noSdxl = {
  prompt2: null,
  negativePrompt2: null,
  denoisingStart: null,
  denoisingEnd: null,
  microConditioning: microConditioningSchema.parse({}),
};

function sdxlOf(form: FormState): typeof noSdxl | Pick<GenerationRequest, keyof typeof noSdxl> {
  const share = (text: string): number | null => (text.trim() === '' ? null : read(text));
  return {
    prompt2: form.prompt2 === '' ? null : form.prompt2,
    negativePrompt2: negativeOf(form, form.negativePrompt2),
    denoisingStart: form.task === 'text-to-image' ? null : share(form.denoisingStart),
    denoisingEnd: share(form.denoisingEnd),
    microConditioning: microOf(form),
  };
}

function negativeOf(form: FormState, text: string): string | null {
  return form.negativeOpen && text !== '' ? text : null;
}

export function guidanceEndOf(form: FormState): GenerationRequest['guidanceEnd'] {
  if (form.cutoffBy === 'evidence') return { kind: 'evidence', cosine: read(form.cutoffCosine) };
  const total = formPlan(form)?.calls ?? read(form.steps);
  return form.cutoff === null || form.cutoff >= total ? { kind: 'never' } : { kind: 'guided-steps', steps: form.cutoff };
}

export function curveOf(form: FormState): GuidanceCurve {
  switch (form.guidanceCurve) {
    case 'constant':
      return { kind: 'constant' };
    case 'linear':
    case 'cosine':
      return { kind: form.guidanceCurve, to: read(form.guidanceTo) };
    case 'list':
      return { kind: 'list', scales: [...(readNumberList(form.guidanceScales) ?? [])] };
    case 'points':
      return { kind: 'points', points: [...form.guidancePoints], smooth: form.guidanceSmooth };
  }
}

export function reuseOf(form: FormState): Reuse {
  switch (form.reuse) {
    case 'none':
      return { kind: 'none' };
    case 'unconditional':
    case 'features':
      return { kind: form.reuse, every: read(form.reuseEvery) };
    case 'steps':
      return { kind: 'steps', threshold: read(form.reuseThreshold), most: read(form.reuseMost) };
  }
}

function reuseFrom(reuse: Reuse): Partial<FormState> {
  switch (reuse.kind) {
    case 'none':
      return { reuse: 'none' };
    case 'unconditional':
    case 'features':
      return { reuse: reuse.kind, reuseEvery: String(reuse.every) };
    case 'steps':
      return { reuse: 'steps', reuseThreshold: String(reuse.threshold), reuseMost: String(reuse.most) };
  }
}

export function intervalOf(form: FormState): GuidanceInterval | null {
  const bound = (text: string, none: number): number => (text.trim() === '' ? none : read(text));
  if (form.sigmaLow.trim() === '' && form.sigmaHigh.trim() === '') return null;
  return { sigmaLow: bound(form.sigmaLow, sigmaRange.min), sigmaHigh: bound(form.sigmaHigh, sigmaRange.max) };
}

function listOf(text: string): number[] | null {
  return text.trim() === '' ? null : [...(readNumberList(text) ?? [])];
}

function noiseOf(form: FormState): NoiseKind {
  return form.noise === 'torch-cuda'
    ? { kind: 'torch-cuda', sms: read(form.sms), threadsPerSm: read(form.threadsPerSm) }
    : { kind: form.noise };
}

function microOf(form: FormState): MicroConditioning {
  const size = (text: string): MicroConditioning['originalSize'] => {
    const pair = readPair(text);
    return pair === null ? null : { width: pair.first, height: pair.second };
  };
  const corner = (text: string): MicroConditioning['negativeCropTopLeft'] => {
    const pair = readPair(text);
    return pair === null ? null : { top: pair.first, left: pair.second };
  };
  return {
    originalSize: size(form.originalSize),
    cropTopLeft: corner(form.cropTopLeft) ?? { top: 0, left: 0 },
    targetSize: size(form.targetSize),
    negativeOriginalSize: size(form.negativeOriginalSize),
    negativeCropTopLeft: corner(form.negativeCropTopLeft),
    negativeTargetSize: size(form.negativeTargetSize),
    aestheticScore: read(form.aestheticScore),
    negativeAestheticScore: read(form.negativeAestheticScore),
  };
}

/** All settings of a finished picture; the seed stays with it. Picture and mask of the form stay where the request has none. */
export function formFromRequest(request: GenerationRequest): Partial<FormState> {
  return {
    task: request.task,
    modelId: request.modelId,
    prompt: request.prompt,
    negativePrompt: request.negativePrompt ?? '',
    negativeOpen: request.negativePrompt !== null || request.negativePrompt2 !== null,
    morePrompts: request.morePrompts,
    promptSyntax: request.promptSyntax,
    clipSkip: String(request.clipSkip),
    width: String(request.width),
    height: String(request.height),
    steps: String(request.steps),
    guidanceScale: String(request.guidanceScale),
    ...guidanceFrom(request),
    loras: lorasFrom(request),
    steering: request.steering,
    scheduler: request.scheduler,
    sigmaSchedule: request.sigmaSchedule,
    timestepSpacing: request.timestepSpacing,
    eta: String(request.eta),
    timesteps: request.timesteps?.join(', ') ?? '',
    sigmas: request.sigmas?.join(', ') ?? '',
    seed: request.seed,
    randomSeed: false,
    ...noiseFrom(request.noise),
    together: request.imagesPerPrompt > 1,
    ...(request.imagesPerPrompt > 1 ? { count: String(request.imagesPerPrompt) } : {}),
    batchSeeds: request.batchSeeds,
    ...pictureFrom(request),
    ...sdxlFrom(request),
  };
}

function guidanceFrom(request: GenerationRequest): Partial<FormState> {
  const { guidanceCurve: curve, guidanceInterval: interval, guidanceEnd: end } = request;
  const total = requestPlan(request).calls;
  const guided = guidedSteps(end, total);
  return {
    cutoff: guided >= total ? null : guided,
    cutoffBy: end.kind === 'evidence' ? 'evidence' : 'step',
    ...(end.kind === 'evidence' ? { cutoffCosine: String(end.cosine) } : {}),
    guidanceCurve: curve.kind,
    ...(curve.kind === 'linear' || curve.kind === 'cosine' ? { guidanceTo: String(curve.to) } : {}),
    ...(curve.kind === 'list' ? { guidanceScales: curve.scales.join(', ') } : {}),
    ...(curve.kind === 'points' ? { guidancePoints: curve.points, guidanceSmooth: curve.smooth } : {}),
    sigmaLow: interval === null ? '' : String(interval.sigmaLow),
    sigmaHigh: interval === null || interval.sigmaHigh >= sigmaRange.max ? '' : String(interval.sigmaHigh),
    guidanceRescale: String(request.guidanceRescale),
    ...reuseFrom(request.reuse),
  };
}

function noiseFrom(noise: NoiseKind): Partial<FormState> {
  return noise.kind === 'torch-cuda'
    ? { noise: noise.kind, sms: String(noise.sms), threadsPerSm: String(noise.threadsPerSm) }
    : { noise: noise.kind };
}

function pictureFrom(request: GenerationRequest): Partial<FormState> {
  if (request.task === 'text-to-image') return {};
  const strength = request.denoisingStart === null ? { [strengthKey(request)]: String(request.strength) } : {};
  if (request.task === 'image-to-image') return { image: request.image, ...strength };
  return {
    image: request.image,
    mask: request.mask,
    ...strength,
    maskPadding: request.maskPadding === null ? null : String(request.maskPadding),
    keepUnmasked: request.keepUnmasked,
  };
}

function sdxlFrom(request: GenerationRequest): Partial<FormState> {
  const { microConditioning: micro } = request;
  const size = (value: MicroConditioning['originalSize']): string => (value === null ? '' : `${String(value.width)} x ${String(value.height)}`);
  const corner = (value: MicroConditioning['negativeCropTopLeft']): string => (value === null ? '' : `${String(value.top)}, ${String(value.left)}`);
  return {
    prompt2: request.prompt2 ?? '',
    negativePrompt2: request.negativePrompt2 ?? '',
    originalSize: size(micro.originalSize),
    cropTopLeft: corner(micro.cropTopLeft),
    targetSize: size(micro.targetSize),
    negativeOriginalSize: size(micro.negativeOriginalSize),
    negativeCropTopLeft: corner(micro.negativeCropTopLeft),
    negativeTargetSize: size(micro.negativeTargetSize),
    aestheticScore: String(micro.aestheticScore),
    negativeAestheticScore: String(micro.negativeAestheticScore),
    denoisingStart: request.denoisingStart === null ? '' : String(request.denoisingStart),
    denoisingEnd: request.denoisingEnd === null ? '' : String(request.denoisingEnd),
  };
}

/** Iterations of the loop that a cutoff is chosen among; null where a number cannot be read. */
export function cutoffRange(form: FormState): number | null {
  return formPlan(form)?.calls ?? (askedSteps(form) === null ? null : 0);
}
