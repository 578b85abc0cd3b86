import assert from "node:assert/strict";
import { explainFailure } from "./explain.ts";

const WORST_MS_MAX = 5_000;

/** 80 KB of an error text took seconds, in which the worker did nothing else. */
Deno.test("explainFailure() takes any error in little time", async (t) => {
  const parts = [
    "dockerfile ",
    "failed to compute cache key: failed to walk ",
    ": secret ",
    'source "',
    '" denied by policy',
    "buildkit-mount1/",
    "failed to solve: ",
    "failed to solve with frontend ",
    "lstat ",
    "/ ,from=",
    '"',
    "\r",
    "exit code: 1",
  ];
  for (const part of parts) {
    await t.step(JSON.stringify(part), () => {
      const text = part.repeat(Math.ceil(1_000_000 / part.length));
      const startedAtMs = performance.now();
      for (const step of [undefined, `[2/2] ADD ${text}`, `FROM ${text}`, text]) {
        const failed = step === undefined ? undefined : { name: step, error: text, lastLines: ["last"] };
        const error = step === undefined ? text : `failed to solve: failed to compute cache key: ${text}`;
        explainFailure(error, { dockerfile: "app/Dockerfile", record: { failed, names: [] } });
      }
      assert.ok(performance.now() - startedAtMs < WORST_MS_MAX);
    });
  }
});
