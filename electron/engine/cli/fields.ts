import type {
  GenerationRequestInput,
  GuidanceCurve,
  GuidanceEnd,
  GuidanceInterval,
  NoiseKind,
} from '../../../shared/generation.ts';
import {
  parseSamplerName,
  parseSigmaScheduleName,
  type SamplerChoice,
  schedulerIds,
  sigmaScheduleIds,
  timestepSpacingIds,
} from '../../../shared/samplers.ts';
import type { ModelDefaults } from './defaults.ts';
import type { Given, ValueOption } from './options.ts';
import { corner, decimal, numbersOf, oneOf, refuse, requireNotBoth, size, whole } from './values.ts';

/** Fields of the request that are made of several options, or of one with a form of its own. */

type Curve = Omit<SamplerChoice, 'scheduler'>;

/**
 * A name may bring a schedule of noise levels and a spacing with it ("DPM++ 2M SGM Uniform"); saying the same again in the
 * other options is fine, saying something else is not.
 */
export function sampler(given: Given, defaults: ModelDefaults): SamplerChoice {
  const name = given.scheduler;
  const named = name === undefined ? null : parseSamplerName(name);
  if (name !== undefined && named === null) refuseSampler(name);
  const choice: SamplerChoice = named ?? { scheduler: defaults.scheduler, sigmaSchedule: 'automatic', timestepSpacing: 'automatic' };
  const curve = sigmaSchedule(given);
  const spacings = [curve?.timestepSpacing, choice.timestepSpacing].filter((spacing) => spacing !== 'automatic');
  return {
    scheduler: choice.scheduler,
    sigmaSchedule: agreed('sigma-schedule', curve?.sigmaSchedule, [choice.sigmaSchedule].filter((id) => id !== 'automatic')),
    timestepSpacing: agreed('spacing', oneOf(given, 'spacing', timestepSpacingIds) ?? undefined, spacings),
  };
}

function refuseSampler(name: string): never {
  const words = name.trim().split(/[\s/]+/);
  for (let at = 1; at < words.length; at++) {
    const [sampler, curve] = [words.slice(0, at).join(' '), words.slice(at).join(' ')];
    if (parseSamplerName(sampler) !== null && parseSigmaScheduleName(curve) !== null) refuse('scheduler', `"${sampler}" cannot follow "${curve}".`);
  }
  return refuse('scheduler', `"${name}" is not known here. There are ${schedulerIds.join(', ')}.`);
}

/** What an option says, if no name already says something else. */
function agreed<T extends string>(option: ValueOption, said: T | undefined, byNames: readonly (T | undefined)[]): T | 'automatic' {
  const known = byNames.filter((name) => name !== undefined);
  const [first = said ?? 'automatic'] = said === undefined ? known : [said];
  const other = known.find((name) => name !== first);
  return other === undefined ? first : refuse(option, `"${first}" does not go with a name that stands for "${other}".`);
}

function sigmaSchedule(given: Given): Curve | null {
  const text = given['sigma-schedule'];
  if (text === undefined) return null;
  // Ours first: A1111's "Uniform" is another one.
  const own = sigmaScheduleIds.find((id) => id === text);
  if (own !== undefined) return { sigmaSchedule: own, timestepSpacing: 'automatic' };
  return parseSigmaScheduleName(text) ?? refuse('sigma-schedule', `"${text}" is not known here. There are ${sigmaScheduleIds.join(', ')}.`);
}

export function guidanceEnd(given: Given): GuidanceEnd {
  requireNotBoth(given, 'guided-steps', 'cfg-cutoff');
  requireNotBoth(given, 'cfg-evidence', 'cfg-cutoff');
  requireNotBoth(given, 'cfg-evidence', 'guided-steps');
  const cosine = decimal(given, 'cfg-evidence');
  if (cosine !== null) return { kind: 'evidence', cosine };
  const ratio = decimal(given, 'cfg-cutoff');
  if (ratio !== null) return { kind: 'ratio', ratio };
  const steps = whole(given, 'guided-steps');
  return steps === null ? { kind: 'never' } : { kind: 'guided-steps', steps };
}

export function guidanceCurve(given: Given): GuidanceCurve {
  return curveOf('guidance-curve', given['guidance-curve'] ?? 'constant');
}

/** @param name the option it stands in */
export function curveOf(name: 'guidance-curve' | 'steer', text: string): GuidanceCurve {
  if (text === 'constant') return { kind: 'constant' };
  const [, kind, rest = ''] = /^(linear|cosine|list|points|smooth-points):(.*)$/.exec(text) ?? [];
  if (kind === 'points' || kind === 'smooth-points') {
    const points = rest.split(',').map((point) => {
      const [at, scale, ...more] = numbersOf(name, point.replaceAll('=', ','));
      return at === undefined || scale === undefined || more.length > 0 ? refuse(name, `"${point}" is no point AT=SCALE.`) : { at, scale };
    });
    if (points.some(({ at }, index) => at < (points[index - 1]?.at ?? 0))) refuse(name, 'the points must stand from left to right.');
    return { kind: 'points', points, smooth: kind === 'smooth-points' };
  }
  const values = kind === undefined ? [] : numbersOf(name, rest);
  if (kind === 'list') return { kind, scales: values };
  const [to, ...more] = values;
  if ((kind === 'linear' || kind === 'cosine') && to !== undefined && more.length === 0) return { kind, to };
  return refuse(name, `"${text}" is none of constant, linear:TO, cosine:TO, list:A,B,C, points:AT=SCALE,..., smooth-points:AT=SCALE,...`);
}

export function guidanceInterval(given: Given): GuidanceInterval | null {
  const text = given['guidance-interval'];
  return text === undefined ? null : intervalOf('guidance-interval', text);
}

export function intervalOf(name: 'guidance-interval' | 'steer', text: string): GuidanceInterval {
  const [low, high, ...more] = numbersOf(name, text.replaceAll(':', ','));
  if (low === undefined || high === undefined || more.length > 0 || text.includes(',')) {
    return refuse(name, `"${text}" is no interval LOW:HIGH.`);
  }
  if (low > high) refuse(name, `"${text}" begins above its end; the lower sigma comes first.`);
  return { sigmaLow: low, sigmaHigh: high };
}

/** The card where none is named: an RTX 3090. */
const commonCard = { sms: 82, threadsPerSm: 1536 } as const;

export function noiseKind(given: Given): NoiseKind {
  const text = given.rng ?? 'torch-cpu';
  if (text === 'torch-cpu' || text === 'a1111-nv') return { kind: text };
  if (text === 'torch-cuda') return { kind: text, ...commonCard };
  const [, sms, threads] =
    /^torch-cuda:(\d+):(\d+)$/.exec(text) ?? refuse('rng', `"${text}" is none of torch-cpu, torch-cuda, torch-cuda:SMS:THREADS, a1111-nv.`);
  return { kind: 'torch-cuda', sms: Number(sms), threadsPerSm: Number(threads) };
}

/** SDXL's size conditioning; what was not given is left to the request's defaults. */
export function microConditioning(given: Given): GenerationRequestInput['microConditioning'] {
  const cropTopLeft = corner(given, 'crop');
  const aestheticScore = decimal(given, 'aesthetic-score');
  const negativeAestheticScore = decimal(given, 'negative-aesthetic-score');
  return {
    originalSize: size(given, 'original-size'),
    targetSize: size(given, 'target-size'),
    negativeOriginalSize: size(given, 'negative-original-size'),
    negativeTargetSize: size(given, 'negative-target-size'),
    negativeCropTopLeft: corner(given, 'negative-crop'),
    ...(cropTopLeft === null ? {} : { cropTopLeft }),
    ...(aestheticScore === null ? {} : { aestheticScore }),
    ...(negativeAestheticScore === null ? {} : { negativeAestheticScore }),
  };
}
