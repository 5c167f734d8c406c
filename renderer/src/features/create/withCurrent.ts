/** The values on offer, and the one that is chosen although it is not: a select cannot show what it does not list. */
export function withCurrent<V>(offered: readonly V[], current: V): readonly V[] {
  return offered.includes(current) ? offered : [...offered, current];
}
