import type { GuidanceCurve, GuidanceInterval, Reuse, SteeringEntry } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { unitRange } from './formRanges.ts';
import { readNumber } from './readText.ts';
import { readInterval, readReuse, typedInterval, typedReuse, type TypedInterval, type TypedReuse } from './typedGuidance.ts';

/** What else of the guidance a fork may change, as typed. */
export interface ForkGuidanceFields extends TypedInterval, TypedReuse {
  readonly curve: GuidanceCurve;
  readonly guidanceRescale: string;
}

export interface GuidanceSettings {
  readonly guidanceCurve: GuidanceCurve;
  readonly guidanceInterval: GuidanceInterval | null;
  readonly guidanceRescale: number;
  readonly reuse: Reuse;
}

/** Where a kind of reuse is chosen that the run did not have. */
const usual = { reuseEvery: '2', reuseThreshold: '0.1', reuseMost: '2' } as const;

export function guidanceFields({ guidanceCurve, guidanceInterval, guidanceRescale, reuse }: GuidanceSettings): ForkGuidanceFields {
  return { curve: guidanceCurve, ...typedInterval(guidanceInterval), guidanceRescale: String(guidanceRescale), ...usual, ...typedReuse(reuse) };
}

/** What of it an entry of a log did. */
export function guidanceFieldsOfEntry({ steering }: SteeringEntry): Partial<ForkGuidanceFields> {
  const { guidanceCurve, guidanceInterval, guidanceRescale, reuse } = steering;
  return {
    ...(guidanceCurve === undefined ? {} : { curve: guidanceCurve }),
    ...(guidanceInterval === undefined ? {} : typedInterval(guidanceInterval)),
    ...(guidanceRescale === undefined ? {} : { guidanceRescale: String(guidanceRescale) }),
    ...(reuse === undefined ? {} : typedReuse(reuse)),
  };
}

export type ForkGuidanceErrors = Partial<Record<'interval' | 'guidanceRescale' | 'reuse', 'interval' | 'share' | 'reuseEvery' | 'reuseSteps'>>;

/** Message keys under `fork.error.` of the fields that cannot be sent. */
export function guidanceErrors(fields: ForkGuidanceFields): ForkGuidanceErrors {
  const rescale = readNumber(fields.guidanceRescale);
  return {
    ...(readInterval(fields) === undefined ? { interval: 'interval' } : {}),
    ...(rescale === null || rescale < unitRange.min || rescale > unitRange.max ? { guidanceRescale: 'share' } : {}),
    ...(readReuse(fields) === null ? { reuse: fields.reuse === 'steps' ? 'reuseSteps' : 'reuseEvery' } : {}),
  };
}

/** As it is sent: only what was changed. */
export function guidanceSteering(fields: ForkGuidanceFields, changes: Partial<ForkGuidanceFields>): Steering {
  const interval = changes.sigmaLow === undefined && changes.sigmaHigh === undefined ? undefined : readInterval(fields);
  const rescale = changes.guidanceRescale === undefined ? null : readNumber(changes.guidanceRescale);
  const reuse = isReuseChanged(fields, changes) ? readReuse(fields) : null;
  return {
    ...(changes.curve === undefined ? {} : { guidanceCurve: changes.curve }),
    ...(interval === undefined ? {} : { guidanceInterval: interval }),
    ...(rescale === null ? {} : { guidanceRescale: rescale }),
    ...(reuse === null ? {} : { reuse }),
  };
}

/** Numbers of a kind that is not chosen are of no account. */
function isReuseChanged({ reuse }: ForkGuidanceFields, changes: Partial<ForkGuidanceFields>): boolean {
  if (changes.reuse !== undefined) return true;
  if (reuse === 'unconditional' || reuse === 'features') return changes.reuseEvery !== undefined;
  return reuse === 'steps' && (changes.reuseThreshold !== undefined || changes.reuseMost !== undefined);
}
