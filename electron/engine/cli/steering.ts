import { readFile } from 'node:fs/promises';
import type { GuidanceEnd, GuidanceInterval, Reuse, SteeringEntry, Tail } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { readLoraTags } from '../../../shared/loraTags.ts';
import { parseSamplerName, schedulerIds, sigmaScheduleIds, timestepSpacingIds } from '../../../shared/samplers.ts';
import { curveOf, intervalOf } from './fields.ts';
import type { Given } from './options.ts';
import { numbersOf, refuse } from './values.ts';

/** What stands behind `FIELD=` of --steer, by field; the request's own check has the last word on every value. */
const readers: { readonly [Field in keyof SteeringEntry['steering']]-?: (text: string) => SteeringEntry['steering'][Field] } = {
  guidanceScale: single,
  guidanceEnd: endOf,
  guidanceCurve: (text) => curveOf('steer', text),
  guidanceInterval: (text): GuidanceInterval | null => (text === 'none' ? null : intervalOf('steer', text)),
  guidanceRescale: single,
  prompt: (text) => text,
  negativePrompt: (text) => text,
  noiseSeed: (text) => text,
  tail: tailOf,
  reuse: (text) => reuseOf('steer', text),
  loras: lorasOf,
};

function single(text: string): number {
  const [value, ...more] = numbersOf('steer', text);
  return value === undefined || more.length > 0 ? refuse('steer', `"${text}" is no number.`) : value;
}

/** Tags as a prompt has them: `<lora:name:0.8>`. */
function lorasOf(text: string): Steering['loras'] {
  const { text: rest, tags } = readLoraTags(text, 'steer');
  if (rest.trim() !== '' || tags.length === 0) refuse('steer', `"${text}" is no list of tags like <lora:name:0.8>.`);
  return tags.map(({ name, strength }) => ({ name, strength }));
}

function endOf(text: string): GuidanceEnd {
  if (text === 'never') return { kind: 'never' };
  const [, kind, rest = ''] = /^(ratio|guided-steps|evidence):(.*)$/.exec(text) ?? [];
  switch (kind) {
    case 'ratio':
      return { kind, ratio: single(rest) };
    case 'guided-steps':
      return { kind, steps: single(rest) };
    case 'evidence':
      return { kind, cosine: single(rest) };
    default:
      return refuse('steer', `"${text}" is none of never, ratio:R, guided-steps:K, evidence:COS.`);
  }
}

/** STEPS, with a sampler and the names of its schedule and spacing behind it. */
function tailOf(text: string): Tail {
  const [steps = '', name, ...curve] = text.split(':');
  const sampler = name === undefined ? null : parseSamplerName(name);
  if (name !== undefined && sampler === null) refuse('steer', `"${name}" is not known here. There are ${schedulerIds.join(', ')}.`);
  const sigmaSchedule = sigmaScheduleIds.find((id) => curve.includes(id)) ?? named(sampler?.sigmaSchedule);
  const timestepSpacing = timestepSpacingIds.find((id) => curve.includes(id)) ?? named(sampler?.timestepSpacing);
  const unknown = curve.find((word) => word !== sigmaSchedule && word !== timestepSpacing);
  if (unknown !== undefined) refuse('steer', `"${unknown}" is none of ${[...sigmaScheduleIds, ...timestepSpacingIds].join(', ')}.`);
  return {
    steps: single(steps),
    ...(sampler === null ? {} : { scheduler: sampler.scheduler }),
    ...(sigmaSchedule === undefined ? {} : { sigmaSchedule }),
    ...(timestepSpacing === undefined ? {} : { timestepSpacing }),
  };
}

/** A plain name leaves open what a tail then keeps. */
function named<T extends string>(id: T | undefined): T | undefined {
  return id === 'automatic' ? undefined : id;
}

export function reuseOf(name: 'reuse' | 'steer', text: string): Reuse {
  if (text === 'none') return { kind: 'none' };
  const [, kind, rest = ''] = /^(unconditional|features|steps):(.*)$/.exec(text) ?? [];
  const values = kind === undefined ? [] : numbersOf(name, rest.replaceAll(':', ','));
  const [first, second, ...more] = values;
  if ((kind === 'unconditional' || kind === 'features') && first !== undefined && second === undefined) return { kind, every: first };
  if (kind === 'steps' && first !== undefined && more.length === 0) return { kind, threshold: first, most: second ?? 1 };
  return refuse(name, `"${text}" is none of none, unconditional:EVERY, features:EVERY, steps:THRESHOLD:MOST.`);
}

/** STEP:FIELD=VALUE */
function entryOf(text: string): SteeringEntry {
  const [, step = '', field = '', value = ''] =
    /^(\d+):(\w+)=(.*)$/s.exec(text) ?? refuse('steer', `"${text}" is no change like 5:guidanceScale=3 (after the step with index 5, from 0).`);
  const reader = Object.entries(readers).find(([name]) => name === field)?.[1];
  if (reader === undefined) return refuse('steer', `"${field}" cannot be steered. There are ${Object.keys(readers).join(', ')}.`);
  return { afterStep: Number(step), steering: { [field]: reader(value) } satisfies Steering };
}

/**
 * The steering log: the file's, and what is given beside it.
 * @returns unchecked where it is from a file
 */
export async function readSteering(given: Given): Promise<unknown[]> {
  const entries: unknown[] = (given.steer ?? []).map(entryOf);
  const file = given.steering;
  if (file === undefined) return entries;
  let log: unknown;
  try {
    log = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    return refuse('steering', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return Array.isArray(log) ? [...(log as unknown[]), ...entries] : refuse('steering', `${file} holds no list of {"afterStep", "steering"}.`);
}
