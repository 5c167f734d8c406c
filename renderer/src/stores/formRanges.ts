/** Bounds of what may be typed, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export const guidanceRange = { min: 0, max: 30 };
export const countRange = { min: 1, max: 64 };
export const clipSkipRange = { min: 0, max: 12 };
export const paddingRange = { min: 0, max: 1024 };
export const smsRange = { min: 1, max: 1024 };
export const threadsRange = { min: 256, max: 4096 };
export const scoreRange = { min: 0, max: 10 };
export const unitRange = { min: 0, max: 1 };
export const everyRange = { min: 2, max: 10 };
export const mostRange = { min: 1, max: 5 };
export const sigmaRange = { min: 0, max: 10_000 };
export const timestepRange = { min: 0, max: 1000 };
