import assert from "node:assert/strict";
import { CooperativeYield } from "./mod.ts";

Deno.test("CooperativeYield lets a timer run during long synchronous work, and ends it when the signal aborts", async () => {
  const abort = new AbortController();
  const cooperativeYield = new CooperativeYield(abort.signal);
  const timer = setTimeout(() => abort.abort(new Error("stopped")));
  const work = async (): Promise<void> => {
    const endMs = performance.now() + 30_000;
    while (performance.now() < endMs) await cooperativeYield.pause();
  };
  await assert.rejects(work(), /stopped/);
  clearTimeout(timer);
});
