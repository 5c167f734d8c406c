import type { Model } from '../../../shared/models.ts';
import {
  guidedSteps,
  maxSteps,
  type GenerationRequest,
  type GuidanceCurve,
  type GuidanceInterval,
  type NoiseKind,
  type Reuse,
} from '../../../shared/generation.ts';
import { furtherPrompts, negativeOf, type FormState } from './form.ts';
import { lorasFrom, lorasOf } from './loraStrength.ts';
import { readInteger, readNumber, readNumberList, readOrZero } from './readText.ts';
import { noSdxl, sdxlFrom, sdxlOf } from './sdxlRequest.ts';
import { askedSteps, formPlan, requestPlan, startsByShare, strengthKey, usesEta } from './stepPlan.ts';
import { readInterval, readReuse, typedInterval, typedReuse } from './typedGuidance.ts';

/** Where it does not act it is what a request without one says, for two equal runs are to have equal requests. */
const unusedStrength = 0.8;

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
    negativePrompt: negativeOf(form, form.negativePrompt),
    morePrompts: [...furtherPrompts(form)],
    promptSyntax: form.promptSyntax,
    clipSkip: readOrZero(form.clipSkip),
    width: readOrZero(form.width),
    height: readOrZero(form.height),
    // Where a list takes its place, it is ignored, and need not be readable.
    steps: readInteger(form.steps, 1, maxSteps) ?? Math.min(maxSteps, askedSteps(form) ?? 1),
    guidanceScale: readOrZero(form.guidanceScale),
    guidanceEnd: guidanceEndOf(form),
    guidanceCurve: curveOf(form),
    guidanceInterval: intervalOf(form),
    guidanceRescale: readOrZero(form.guidanceRescale),
    reuse: reuseOf(form),
    loras: model.takesLoras ? lorasOf(form.loras) : [],
    steering: [...form.steering],
    callbacks: form.callbacks.filter(({ on }) => on).map(({ name, source }) => ({ name, source })),
    scheduler: form.scheduler,
    sigmaSchedule: form.sigmaSchedule,
    timestepSpacing: form.timestepSpacing,
    eta: usesEta(form.scheduler) ? readOrZero(form.eta) : 0,
    timesteps: listOf(form.timesteps),
    sigmas: listOf(form.sigmas),
    seed,
    noise: noiseOf(form),
    imagesPerPrompt: splitCount(form).imagesPerPrompt,
    batchSeeds: form.batchSeeds,
    image: withPicture ? form.image : null,
    mask: inpaint ? form.mask : null,
    strength: withPicture && !startsByShare(form, model) ? readOrZero(form[strengthKey(form)]) : unusedStrength,
    maskPadding: inpaint && form.maskPadding !== null ? readOrZero(form.maskPadding) : null,
    keepUnmasked: inpaint ? form.keepUnmasked : true,
    ...(model.family === 'sdxl' ? sdxlOf(form) : noSdxl),
  };
}

export function guidanceEndOf(form: FormState): GenerationRequest['guidanceEnd'] {
  if (form.cutoffBy === 'evidence') return { kind: 'evidence', cosine: readOrZero(form.cutoffCosine) };
  const total = formPlan(form)?.calls ?? readOrZero(form.steps);
  return form.cutoff === null || form.cutoff >= total ? { kind: 'never' } : { kind: 'guided-steps', steps: form.cutoff };
}

/** Where it cannot be read there is none. */
export function intervalOf(form: FormState): GuidanceInterval | null {
  return readInterval(form) ?? null;
}

/** Where it cannot be read nothing is used again. */
export function reuseOf(form: FormState): Reuse {
  return readReuse(form) ?? { kind: 'none' };
}

export function curveOf(form: FormState): GuidanceCurve {
  switch (form.guidanceCurve) {
    case 'constant':
      return { kind: 'constant' };
    case 'linear':
    case 'cosine':
      return { kind: form.guidanceCurve, to: readOrZero(form.guidanceTo) };
    case 'list':
      return { kind: 'list', scales: [...(readNumberList(form.guidanceScales) ?? [])] };
    case 'points':
      return { kind: 'points', points: [...form.guidancePoints], smooth: form.guidanceSmooth };
  }
}

function listOf(text: string): number[] | null {
  return text.trim() === '' ? null : [...(readNumberList(text) ?? [])];
}

function noiseOf(form: FormState): NoiseKind {
  return form.noise === 'torch-cuda'
    ? { kind: 'torch-cuda', sms: readOrZero(form.sms), threadsPerSm: readOrZero(form.threadsPerSm) }
    : { kind: form.noise };
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
    ...typedInterval(interval),
    guidanceRescale: String(request.guidanceRescale),
    ...typedReuse(request.reuse),
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

/** Iterations of the loop that a cutoff is chosen among; null where a number cannot be read. */
export function cutoffRange(form: FormState): number | null {
  return formPlan(form)?.calls ?? (askedSteps(form) === null ? null : 0);
}
