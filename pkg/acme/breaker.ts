/** The failures in a row that open a circuit, and the time that it stays open. */
export interface CircuitLimits {
  readonly failuresMax: number;
  readonly openMs: number;
}

const LIMITS: CircuitLimits = { failuresMax: 3, openMs: 5 * 60_000 };

/** Keeps calls from an authority that does not answer: open after some failures in a row, and tried again after a while. */
export class CircuitBreaker {
  readonly #limits: CircuitLimits;
  #failures = 0;
  #openUntilMs = 0;

  constructor(limits: CircuitLimits = LIMITS) {
    this.#limits = limits;
  }

  /** True: do not call. One call after the time is over decides whether it stays open. */
  isOpen(nowMs: number): boolean {
    return nowMs < this.#openUntilMs;
  }

  /** The time until which it is open; 0 when it never was. */
  get openUntilMs(): number {
    return this.#openUntilMs;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntilMs = 0;
  }

  failed(nowMs: number): void {
    this.#failures++;
    if (this.#failures >= this.#limits.failuresMax) this.#openUntilMs = nowMs + this.#limits.openMs;
  }
}
