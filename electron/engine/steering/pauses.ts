import type { Breakpoint, PauseReason } from '../../../shared/job.ts';
import type { StepEnd } from '../callbacks/callback.ts';
import { isGuided } from '../guidance/guidanceState.ts';

/** When a run waits between two steps. A wait takes no processor time. */
export class Pauses {
  #isAsked = false;
  #isSingleStep = false;
  #isHeld = false;
  #breakpoints: readonly Breakpoint[] = [];
  #wake: () => void = () => undefined;

  /** After the step in progress. */
  pause(): void {
    this.#isAsked = true;
  }

  /** @param steps how far: 1, or to the next breakpoint */
  resume(steps: 'all' | 1): void {
    this.#isAsked = false;
    this.#isSingleStep = steps === 1;
    this.#isHeld = false;
    this.#wake();
  }

  setBreakpoints(breakpoints: readonly Breakpoint[]): void {
    this.#breakpoints = breakpoints;
  }

  /**
   * Asked once after every step but the last: why the run is to wait now, from here until {@link resume}.
   * @param nextScale guidance scale of the step to come
   * @param changeBefore of the clean estimate in the step before this one
   */
  begin(end: StepEnd, nextScale: number, changeBefore: number | null): PauseReason | null {
    const reason = this.#reason(end, nextScale, changeBefore);
    this.#isHeld = reason !== null;
    this.#isSingleStep = false;
    return reason;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Settles at {@link resume}, {@link poke} or the signal. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted || !this.#isHeld) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done);
    });
  }

  /** There is something to look at. */
  poke(): void {
    this.#wake();
  }

  #reason(end: StepEnd, nextScale: number, changeBefore: number | null): PauseReason | null {
    if (this.#isAsked) return 'asked';
    if (this.#isSingleStep) return 'single-step';
    return this.#breakpoints.find((breakpoint) => isReached(breakpoint, end, nextScale, changeBefore))?.kind ?? null;
  }
}

function isReached(breakpoint: Breakpoint, end: StepEnd, nextScale: number, changeBefore: number | null): boolean {
  switch (breakpoint.kind) {
    case 'step':
      return end.stepIndex === breakpoint.stepIndex;
    case 'cutoff':
      return end.guided && !isGuided(nextScale);
    // Once on the way down: every later step of a settled run would pause again.
    case 'settled':
      return end.estimateChange !== null && end.estimateChange < breakpoint.threshold && (changeBefore ?? Infinity) >= breakpoint.threshold;
  }
}
