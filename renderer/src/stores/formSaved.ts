import type { Settings } from '../../../shared/contract.ts';
import { guidanceCurveSchema, inputImageSchema, maxCallbackLength, noiseKindSchema, promptSyntaxes, reuseSchema, steeringEntrySchema, tasks } from '../../../shared/generation.ts';
import { schedulerIds, sigmaScheduleIds, timestepSpacingIds } from '../../../shared/samplers.ts';
import { z } from 'zod';
import { initialForm, type FormState } from './form.ts';
import { loraCourses } from './loraStrength.ts';

const loraSchema = z.object({
  name: z.string(),
  strength: z.string(),
  textStrength: z.string(),
  course: z.enum([...loraCourses, 'own']),
  points: z.array(z.object({ at: z.number(), strength: z.number() })).max(64),
});

type Check = (value: unknown) => boolean;

const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    values.some((known) => known === value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const isText: Check = (value) => typeof value === 'string';
const isPicture: Check = (value) => inputImageSchema.safeParse(value).success;

const isCurve: Check = (points) => guidanceCurveSchema.safeParse({ kind: 'points', points, smooth: false }).success;
const isCallback: Check = (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, source, on } = value as Record<string, unknown>;
  return isText(id) && isText(name) && typeof source === 'string' && source.length <= maxCallbackLength && typeof on === 'boolean';
};

/** Fields whose type is not told by their default alone. */
const checks: Readonly<Partial<Record<keyof FormState, Check>>> = {
  task: oneOf(tasks),
  modelId: orNull(isText),
  image: orNull(isPicture),
  mask: orNull(isPicture),
  maskPadding: orNull(isText),
  cutoff: orNull((value) => typeof value === 'number' && Number.isInteger(value) && value >= 0),
  scheduler: oneOf(schedulerIds),
  sigmaSchedule: oneOf(sigmaScheduleIds),
  timestepSpacing: oneOf(timestepSpacingIds),
  promptSyntax: oneOf(promptSyntaxes),
  morePrompts: (value) => Array.isArray(value) && value.every(isText),
  cutoffBy: oneOf(['step', 'evidence']),
  guidanceCurve: oneOf(guidanceCurveSchema.options.map((option) => option.shape.kind.value)),
  guidancePoints: (points) => Array.isArray(points) && (points.length === 0 || isCurve(points)),
  reuse: oneOf(reuseSchema.options.map((option) => option.shape.kind.value)),
  callbacks: (value) => Array.isArray(value) && value.every(isCallback),
  loras: (value) => Array.isArray(value) && value.every((lora) => loraSchema.safeParse(lora).success),
  steering: (value) => Array.isArray(value) && value.every((entry) => steeringEntrySchema.safeParse(entry).success),
  noise: oneOf(noiseKindSchema.options.map((option) => option.shape.kind.value)),
  batchSeeds: oneOf(['per-image', 'shared']),
};

/** The form as plain JSON. */
export function formToSave(form: FormState): NonNullable<Settings['form']> {
  return {
    ...form,
    morePrompts: [...form.morePrompts],
    guidancePoints: form.guidancePoints.map(({ at, scale }) => ({ at, scale })),
    loras: form.loras.map((lora) => ({ ...lora, points: lora.points.map(({ at, strength }) => ({ at, strength })) })),
    callbacks: form.callbacks.map(({ id, name, source, on }) => ({ id, name, source, on })),
    // Without the fields that are there and say nothing.
    steering: JSON.parse(JSON.stringify(form.steering)) as NonNullable<Settings['form']>[string],
  };
}

/** The form as saved by an earlier run of the app: a field that is not of its type keeps its default. */
export function readSavedForm(saved: Readonly<Record<string, unknown>>): Partial<FormState> {
  const current = withoutLegacyNames(saved);
  const read: Record<string, unknown> = {};
  for (const [key, initial] of Object.entries(initialForm)) {
    if (!Object.hasOwn(current, key)) continue;
    const check = checks[key as keyof FormState] ?? ((value: unknown) => typeof value === typeof initial);
    if (check(current[key])) read[key] = current[key];
  }
  return read as Partial<FormState>;
}

/** Of the time when Karras sigmas were a scheduler of their own. */
function withoutLegacyNames(saved: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return saved['scheduler'] === 'dpmpp_2m_karras' ? { ...saved, scheduler: 'dpmpp_2m', sigmaSchedule: 'karras' } : saved;
}
