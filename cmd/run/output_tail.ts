/** Knows whether all output of a run has come: its agent reports the last lines, and the lines come another way. Pure. */

/** The number of lines that an agent reports. */
const REPORTED_MAX = 20;
/** Agents cut the lines that they report. */
const COMPARED_CHARACTERS = 500;
/** Output that repeats itself may look complete too early: it has to be quiet for so long, too. */
const QUIET_MS = 1_000;

export class OutputTail {
  readonly #last: string[] = [];
  #atMs = 0;

  take(text: string, nowMs: number): void {
    // The agent's own remarks are not of the command.
    if (text.startsWith("(unkey: ")) return;
    this.#last.push(text.slice(0, COMPARED_CHARACTERS));
    if (this.#last.length > REPORTED_MAX) this.#last.shift();
    this.#atMs = nowMs;
  }

  /** True when the last lines that came are the reported ones. Two streams of one command may change their order. */
  hasAll(reported: readonly string[], nowMs: number): boolean {
    const wanted = reported.map((text) => text.slice(0, COMPARED_CHARACTERS)).toSorted();
    const found = this.#last.slice(this.#last.length - wanted.length).toSorted();
    if (wanted.length > this.#last.length || found.some((text, at) => text !== wanted[at])) return false;
    return reported.length < REPORTED_MAX || nowMs - this.#atMs >= QUIET_MS;
  }
}
