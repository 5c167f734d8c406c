/** What torch computes in float32 where JavaScript has doubles: each result rounded once. */
const { fround } = Math;

export function sqrt32(value: number): number {
  return fround(Math.sqrt(value));
}

export function log32(value: number): number {
  return fround(Math.log(value));
}

export function exp32(value: number): number {
  return fround(Math.exp(value));
}

export function expm1_32(value: number): number {
  return fround(Math.expm1(value));
}

const numerator = [0, 1, 2.11267757, 1.48000062, 0.380883783, 0.0258997921];
const denominator = [1, 2.61267757, 2.45300603, 0.986494303, 0.154647633, 0.00587509526];

/**
 * numpy.log of a float32: a rational approximation with fused multiply-adds, one value in thirteen of which is not the
 * nearest float32. Some coefficients of diffusers are differences of such logarithms, large enough to show it.
 * Source: numpy/_core/src/umath/loops_exponent_log.dispatch.c.src (simd_log_FLOAT).
 */
export function numpyLog32(value: number): number {
  if (!(value > 0) || value === Infinity) return Math.log(value);
  let exponent = Math.ceil(Math.log2(value));
  let mantissa = value / 2 ** exponent;
  if (mantissa >= 1) [mantissa, exponent] = [mantissa / 2, exponent + 1];
  if (mantissa <= fround(Math.SQRT1_2)) [mantissa, exponent] = [mantissa * 2, exponent - 1];
  const x = fround(mantissa - 1);
  const quotient = fround(fusedHorner(numerator, x) / fusedHorner(denominator, x));
  return fround(exponent * fround(Math.LN2) + quotient);
}

function fusedHorner(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => fround(sum * x + fround(coefficient)), 0);
}

/** torch.linspace in float32: from both ends towards the middle, product and sum rounded once (a fused multiply-add). */
export function linspace32(start: number, end: number, count: number): Float32Array {
  const out = new Float32Array(count);
  const first = fround(start);
  const last = fround(end);
  const step = fround(fround(last - first) / (count - 1));
  for (let index = 0; index < count; index++) {
    out[index] = index < count / 2 ? first + step * index : last - step * (count - index - 1);
  }
  return out;
}
