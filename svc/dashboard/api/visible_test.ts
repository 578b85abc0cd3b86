import assert from "node:assert/strict";
import { pause, type Visibility, whileVisible } from "./visible.ts";

class Page implements Visibility {
  visibilityState: Visibility["visibilityState"] = "visible";
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: "visibilitychange", listener: () => void, options?: { signal: AbortSignal }): void {
    this.#listeners.add(listener);
    options?.signal.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  turn(state: Visibility["visibilityState"]): void {
    this.visibilityState = state;
    for (const each of [...this.#listeners]) each();
  }
}

/** Work that counts its runs, and goes on until it is stopped. */
function counting() {
  const runs: AbortSignal[] = [];
  const waits: (() => void)[] = [];
  const work = async (signal: AbortSignal): Promise<void> => {
    runs.push(signal);
    for (const each of waits.splice(0)) each();
    await pause(60_000, signal);
  };
  const next = (): Promise<void> => new Promise((done) => waits.push(done));
  return { runs, work, next };
}

Deno.test("work stops a while after its page is hidden, and begins again when it is shown", async () => {
  const [page, stop, { runs, work, next }] = [new Page(), new AbortController(), counting()];
  const first = next();
  const ended = whileVisible(page, stop.signal, work, 5);
  await first;
  page.turn("hidden");
  await pause(60_000, runs[0] ?? AbortSignal.abort());
  assert.equal(runs.length, 1, "it waits for the page");
  const second = next();
  page.turn("visible");
  await second;
  assert.equal(runs.length, 2);
  stop.abort();
  await ended;
  assert.equal(page.listeners, 0);
});

Deno.test("work goes on when its page is hidden for a moment", async () => {
  const [page, stop, { runs, work, next }] = [new Page(), new AbortController(), counting()];
  const first = next();
  const ended = whileVisible(page, stop.signal, work, 60_000);
  await first;
  page.turn("hidden");
  page.turn("visible");
  assert.equal(runs[0]?.aborted, false);
  stop.abort();
  await ended;
  assert.equal(runs.length, 1);
});

Deno.test("work that is over is not begun again, and a page that was never shown begins none", async () => {
  const page = new Page();
  let count = 0;
  await whileVisible(page, new AbortController().signal, () => {
    count++;
    return Promise.resolve();
  });
  assert.equal(count, 1);
  page.turn("hidden");
  const stop = new AbortController();
  const ended = whileVisible(page, stop.signal, () => Promise.resolve(void count++));
  stop.abort();
  await ended;
  assert.equal(count, 1);
});
