/** What a callback of the user's own may use up. */
export interface SandboxLimits {
  /** Characters of its source. */
  readonly sourceLength: number;
  /** WebAssembly memory of its interpreter, everything included. */
  readonly memoryMiB: number;
  /**
   * Loop turns and function calls in one call. Counted, not timed, so that an endless loop ends at the same place on every
   * machine; {@link turnsAPoll} is the precision.
   */
  readonly turns: number;
  /** Wall time of one call; for work that takes long without many turns. */
  readonly callMs: number;
  /** Wall time after which the whole thread is ended: some built-in functions of the interpreter cannot be interrupted. */
  readonly hangMs: number;
  /** Characters of `run.state` as JSON. */
  readonly stateLength: number;
  /** Lines one call may log, and characters of each. */
  readonly logLines: number;
  readonly logLength: number;
}

/** QuickJS asks whether to go on after this many loop turns and calls (`JS_INTERRUPT_COUNTER_INIT`). */
export const turnsAPoll = 10_000;

/** What a promise's continuation counts for. */
export const turnsAJob = 1000;

/** Of starting a thread with an interpreter in it: some 70 ms, on a machine that is busy much longer. */
export const startLimitMs = 30_000;
