/** A visitor who sends requests to an app until the end of a test, and keeps the failures. */
import type { Answer } from "../../testbed/ask.ts";

const PAUSE_MS = 50;

export class Visits {
  readonly #stop = new AbortController();
  readonly #failures: string[] = [];
  readonly #ended: Promise<void>;
  #count = 0;

  constructor(ask: () => Promise<Answer>, text: string) {
    this.#ended = this.#run(ask, text);
  }

  async #run(ask: () => Promise<Answer>, text: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#count++;
      try {
        const { status, body } = await ask();
        if (status !== 200 || !body.includes(text)) this.#failures.push(`${status} ${body.slice(0, 200)}`);
      } catch (error) {
        this.#failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async stop(): Promise<{ readonly count: number; readonly failures: readonly string[] }> {
    this.#stop.abort();
    await this.#ended;
    return { count: this.#count, failures: this.#failures };
  }
}
