import assert from "node:assert/strict";
import { Fault } from "../fault/mod.ts";
import { ManualClock } from "../testkit/manual_clock.ts";
import { ok, type Probe, PROBE_MS_MAX, runProbes } from "./mod.ts";

const probe = (subject: string, ask: Probe["ask"]): Probe => ({ subject, advice: `mend ${subject}`, ask });
const signal = new AbortController().signal;
const hangs = (): Promise<never> => new Promise(() => undefined);

Deno.test("probes run side by side and are answered in their order, also one that does not answer", async () => {
  const clock = new ManualClock();
  const begun: string[] = [];
  const running = runProbes([
    probe("stuck", () => {
      begun.push("stuck");
      return hangs();
    }),
    probe("quick", () => {
      begun.push("quick");
      return Promise.resolve(ok("It answers."));
    }),
    probe("late", async (stop) => {
      begun.push("late");
      await clock.sleep(2 * PROBE_MS_MAX, stop);
      return ok("never");
    }),
  ], { clock, signal });
  assert.deepEqual(begun, ["stuck", "quick", "late"]);
  await clock.advance(PROBE_MS_MAX);
  const text = "No answer came within 10 s.";
  assert.deepEqual(await running, [
    { subject: "stuck", durationMs: PROBE_MS_MAX, outcome: "failed", text, advice: "mend stuck" },
    { subject: "quick", durationMs: 500, outcome: "ok", text: "It answers." },
    { subject: "late", durationMs: PROBE_MS_MAX, outcome: "failed", text, advice: "mend late" },
  ]);
});

Deno.test("a probe that fails is a finding with its advice, and hides no other", async () => {
  const clock = new ManualClock();
  const refused = new TypeError("fetch failed", {
    cause: new Error("error sending request for url (http://a/): client error (Connect): refused"),
  });
  const cases: readonly (readonly [error: Error, text: string])[] = [
    [
      new Fault("unavailable", "internal", { publicMessage: "The part is away." }),
      "The part is away.",
    ],
    [new Fault("unavailable", "internal"), "unavailable: internal"],
    [refused, "No connection: client error (Connect): refused"],
    [new RangeError("a bug"), "RangeError: a bug"],
  ];
  const probes = cases.map(([error], at) => probe(`p${at}`, () => Promise.reject(error)));
  const found = await runProbes(probes, { clock, signal });
  assert.deepEqual(
    found.map(({ subject, outcome, text, advice }) => [subject, outcome, text, advice]),
    cases.map(([, text], at) => [`p${at}`, "failed", text, `mend p${at}`]),
  );
});

Deno.test("an abort ends all probes", async () => {
  const stop = new AbortController();
  const clock = new ManualClock();
  const running = runProbes([probe("stuck", hangs)], { clock, signal: stop.signal });
  stop.abort(new Error("Ctrl-C"));
  await assert.rejects(running, /Ctrl-C/);
});
