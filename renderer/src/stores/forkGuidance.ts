import type { GuidanceCurve, GuidanceInterval, Reuse, SteeringEntry } from '../../../shared/generation.ts';
import type { Steering } from '../../../shared/job.ts';
import { sigmaRange } from './formErrors.ts';
import { readInteger, readNumber } from './readText.ts';

/** What else of the guidance a fork may change, as typed. */
export interface ForkGuidanceFields {
  readonly curve: GuidanceCurve;
  /** Ends of the interval in sigma units; empty: no bound at that end. */
  readonly sigmaLow: string;
  readonly sigmaHigh: string;
  readonly guidanceRescale: string;
  readonly reuse: Reuse['kind'];
  readonly reuseEvery: string;
  readonly reuseThreshold: string;
  readonly reuseMost: string;
}

export interface GuidanceSettings {
  readonly guidanceCurve: GuidanceCurve;
  readonly guidanceInterval: GuidanceInterval | null;
  readonly guidanceRescale: number;
  readonly reuse: Reuse;
}

export const rescaleRange = { min: 0, max: 1 } as const;
export const everyRange = { min: 2, max: 10 } as const;
export const thresholdRange = { min: 0, max: 1 } as const;
export const mostRange = { min: 1, max: 5 } as const;

/** Where a kind of reuse is chosen that the run did not have. */
const usual = { reuseEvery: '2', reuseThreshold: '0.1', reuseMost: '2' } as const;

export function guidanceFields({ guidanceCurve, guidanceInterval, guidanceRescale, reuse }: GuidanceSettings): ForkGuidanceFields {
  return { curve: guidanceCurve, ...intervalFields(guidanceInterval), guidanceRescale: String(guidanceRescale), ...usual, ...reuseFields(reuse) };
}

/** What of it an entry of a log did. */
export function guidanceFieldsOfEntry({ steering }: SteeringEntry): Partial<ForkGuidanceFields> {
  const { guidanceCurve, guidanceInterval, guidanceRescale, reuse } = steering;
  return {
    ...(guidanceCurve === undefined ? {} : { curve: guidanceCurve }),
    ...(guidanceInterval === undefined ? {} : intervalFields(guidanceInterval)),
    ...(guidanceRescale === undefined ? {} : { guidanceRescale: String(guidanceRescale) }),
    ...(reuse === undefined ? {} : reuseFields(reuse)),
  };
}

function intervalFields(interval: GuidanceInterval | null): Pick<ForkGuidanceFields, 'sigmaLow' | 'sigmaHigh'> {
  if (interval === null) return { sigmaLow: '', sigmaHigh: '' };
  return {
    sigmaLow: interval.sigmaLow <= sigmaRange.min ? '' : String(interval.sigmaLow),
    sigmaHigh: interval.sigmaHigh >= sigmaRange.max ? '' : String(interval.sigmaHigh),
  };
}

function reuseFields(reuse: Reuse): Pick<ForkGuidanceFields, 'reuse'> & Partial<ForkGuidanceFields> {
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

export type ForkGuidanceErrors = Partial<Record<'interval' | 'guidanceRescale' | 'reuse', 'interval' | 'share' | 'reuseEvery' | 'reuseSteps'>>;

/** Message keys under `fork.error.` of the fields that cannot be sent. */
export function guidanceErrors(fields: ForkGuidanceFields): ForkGuidanceErrors {
  const rescale = readNumber(fields.guidanceRescale);
  return {
    ...(readInterval(fields) === undefined ? { interval: 'interval' } : {}),
    ...(rescale === null || rescale < rescaleRange.min || rescale > rescaleRange.max ? { guidanceRescale: 'share' } : {}),
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

/** Null: guidance at every noise level; undefined: what is typed is no interval. */
export function readInterval({ sigmaLow, sigmaHigh }: Pick<ForkGuidanceFields, 'sigmaLow' | 'sigmaHigh'>): GuidanceInterval | null | undefined {
  if (sigmaLow.trim() === '' && sigmaHigh.trim() === '') return null;
  const low = sigmaLow.trim() === '' ? sigmaRange.min : readNumber(sigmaLow);
  const high = sigmaHigh.trim() === '' ? sigmaRange.max : readNumber(sigmaHigh);
  if (low === null || high === null || low < sigmaRange.min || high > sigmaRange.max || low > high) return undefined;
  return { sigmaLow: low, sigmaHigh: high };
}

/** Numbers of a kind that is not chosen are of no account. */
function isReuseChanged({ reuse }: ForkGuidanceFields, changes: Partial<ForkGuidanceFields>): boolean {
  if (changes.reuse !== undefined) return true;
  if (reuse === 'unconditional' || reuse === 'features') return changes.reuseEvery !== undefined;
  return reuse === 'steps' && (changes.reuseThreshold !== undefined || changes.reuseMost !== undefined);
}

/** Null: what is typed says none. */
function readReuse({ reuse, reuseEvery, reuseThreshold, reuseMost }: ForkGuidanceFields): Reuse | null {
  switch (reuse) {
    case 'none':
      return { kind: 'none' };
    case 'unconditional':
    case 'features': {
      const every = readInteger(reuseEvery, everyRange.min, everyRange.max);
      return every === null ? null : { kind: reuse, every };
    }
    case 'steps': {
      const threshold = readNumber(reuseThreshold);
      const most = readInteger(reuseMost, mostRange.min, mostRange.max);
      if (threshold === null || threshold < thresholdRange.min || threshold > thresholdRange.max || most === null) return null;
      return { kind: 'steps', threshold, most };
    }
  }
}
