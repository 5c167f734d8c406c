import { requireSameDims, type Tensor } from '../tensor/tensor.ts';

/** How near the two predictions of a guided step are to each other, over the whole batch. */
export interface Agreement {
  /** |c - u| / |u| */
  readonly distance: number;
  /** c . u / (|c| |u|), the measure of arXiv 2312.12487; at most 1. */
  readonly cosine: number;
}

/** Sums in double precision and in order, so that a decision taken by them is the same again. */
export function agreementOf(unconditional: Tensor, conditional: Tensor): Agreement {
  requireSameDims(unconditional, conditional);
  let [both, ofC, ofU, apart] = [0, 0, 0, 0];
  conditional.data.forEach((c, index) => {
    const u = unconditional.data[index] ?? 0;
    both += c * u;
    ofC += c * c;
    ofU += u * u;
    apart += (c - u) * (c - u);
  });
  return { distance: ratio(Math.sqrt(apart), Math.sqrt(ofU)), cosine: Math.min(1, ratio(both, Math.sqrt(ofC) * Math.sqrt(ofU))) };
}

/** RMS of the change over RMS of what it came to. */
export function relativeChange(now: Tensor, before: Tensor): number {
  requireSameDims(now, before);
  let [change, size] = [0, 0];
  now.data.forEach((value, index) => {
    const difference = value - (before.data[index] ?? 0);
    change += difference * difference;
    size += value * value;
  });
  return ratio(Math.sqrt(change), Math.sqrt(size));
}

/** Numbers of a record are finite: nothing over nothing is no change, something over nothing a whole one. */
function ratio(part: number, whole: number): number {
  if (whole > 0) return part / whole;
  return part === 0 ? 0 : 1;
}
