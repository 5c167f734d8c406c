/** How fast a run may go, from slow to watch to as fast as it can. */
export const paces = ['watch', 'slow', 'full'] as const;
export type Pace = (typeof paces)[number];

/** Least milliseconds a step. */
const paceMs: Readonly<Record<Pace, number>> = { watch: 120, slow: 500, full: 0 };

export function paceMsOf(pace: Pace): number {
  return paceMs[pace];
}

/** The named pace of a number of milliseconds; null for one set by other means. */
export function paceOf(ms: number): Pace | null {
  return paces.find((pace) => paceMs[pace] === ms) ?? null;
}
