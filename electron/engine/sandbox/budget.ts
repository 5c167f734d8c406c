import { type SandboxLimits, turnsAPoll } from './limits.ts';

/** What a call may still use; the interpreter asks it every {@link turnsAPoll} loop turns and calls. */
export class Budget {
  readonly #limits: SandboxLimits;
  #turns = 0;
  #deadline = 0;
  /** Whether the work was broken off. */
  ended = false;

  constructor(limits: SandboxLimits) {
    this.#limits = limits;
  }

  /** @param share of the whole allowance */
  renew(share = 1): void {
    this.#turns = share * this.#limits.turns;
    this.#deadline = performance.now() + share * this.#limits.callMs;
    this.ended = false;
  }

  /** @returns whether to break off */
  poll(): boolean {
    return this.spend(turnsAPoll);
  }

  /** @returns whether to break off */
  spend(turns: number): boolean {
    this.#turns -= turns;
    if (this.#turns < 0 || performance.now() > this.#deadline) this.ended = true;
    return this.ended;
  }
}
