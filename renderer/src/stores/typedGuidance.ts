import type { GuidanceInterval, Reuse } from '../../../shared/generation.ts';
import { everyRange, mostRange, sigmaRange, unitRange } from './formRanges.ts';
import { readInteger, readNumber } from './readText.ts';

/** Ends of a guidance interval in sigma units, as typed; empty: no bound at that end. */
export interface TypedInterval {
  readonly sigmaLow: string;
  readonly sigmaHigh: string;
}

/** What is used again, as typed; numbers of a kind that is not chosen are of no account. */
export interface TypedReuse {
  readonly reuse: Reuse['kind'];
  readonly reuseEvery: string;
  readonly reuseThreshold: string;
  readonly reuseMost: string;
}

export function typedInterval(interval: GuidanceInterval | null): TypedInterval {
  return {
    sigmaLow: interval === null ? '' : String(interval.sigmaLow),
    sigmaHigh: interval === null || interval.sigmaHigh >= sigmaRange.max ? '' : String(interval.sigmaHigh),
  };
}

/** Null: guidance at every noise level; undefined: what is typed is no interval. */
export function readInterval({ sigmaLow, sigmaHigh }: TypedInterval): GuidanceInterval | null | undefined {
  if (sigmaLow.trim() === '' && sigmaHigh.trim() === '') return null;
  const low = sigmaLow.trim() === '' ? sigmaRange.min : readNumber(sigmaLow);
  const high = sigmaHigh.trim() === '' ? sigmaRange.max : readNumber(sigmaHigh);
  if (low === null || high === null || low < sigmaRange.min || high > sigmaRange.max || low > high) return undefined;
  return { sigmaLow: low, sigmaHigh: high };
}

export function typedReuse(reuse: Reuse): Pick<TypedReuse, 'reuse'> & Partial<TypedReuse> {
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

/** Null: what is typed says none. */
export function readReuse({ reuse, reuseEvery, reuseThreshold, reuseMost }: TypedReuse): Reuse | null {
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
      if (threshold === null || threshold < unitRange.min || threshold > unitRange.max || most === null) return null;
      return { kind: 'steps', threshold, most };
    }
  }
}
