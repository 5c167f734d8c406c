import { maxCallbackLength } from '../../../shared/generation.ts';
import type { SandboxLimits } from './limits.ts';

/** Apart from what the thread needs of limits, so that it loads no schemas. */
export const defaultLimits: SandboxLimits = {
  sourceLength: maxCallbackLength,
  memoryMiB: 64,
  turns: 10_000_000,
  callMs: 2000,
  hangMs: 4000,
  stateLength: 100_000,
  logLines: 100,
  logLength: 1000,
};
