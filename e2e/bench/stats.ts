function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

export function quantile(values: readonly number[], share: number): number {
  const order = sorted(values);
  return order[Math.min(order.length - 1, Math.floor(share * order.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const order = sorted(values);
  const middle = order.length / 2;
  const upper = order[Math.floor(middle)] ?? Number.NaN;
  return order.length % 2 === 1 ? upper : (upper + (order[middle - 1] ?? Number.NaN)) / 2;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
