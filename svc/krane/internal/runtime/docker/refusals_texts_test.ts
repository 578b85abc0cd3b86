import assert from "node:assert/strict";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import { startTrouble } from "./refusals.ts";
import { engineFault } from "./testing_engine.ts";

type Case = readonly [said: string, reason: string, text: RegExp];

const CASES: readonly Case[] = [
  ["write /x: disk quota exceeded", "unschedulable", /no disk space left.*operator frees space/],
  ["no available network", "sandbox", /no network addresses left/],
  ["listen tcp 0.0.0.0:1: bind: address already in use", "unschedulable", /no free port.*--host-ports/],
  ["All ports between 20000 and 20010 are taken", "unschedulable", /no free port/],
  [
    "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
    "refused",
    /only 2 CPUs available\. Give it less \(unkey deploy --cpu\)/,
  ],
  // The kinds that pass by themselves come first.
  ["cgroup: no space left on device", "unschedulable", /disk space/],
  [
    'unknown or invalid runtime name: "runsc"',
    "crash_loop",
    /^The container cannot be started: unknown or invalid/,
  ],
];

Deno.test("startTrouble() says what to do, and who does it", async (t) => {
  for (const [said, reason, text] of CASES) {
    await t.step(said, () => {
      const trouble = startTrouble(engineFault("unavailable", said));
      assert.equal(trouble?.reason, reason);
      assert.match(trouble?.message ?? "", text);
      assert.doesNotMatch(trouble?.message ?? "", /Docker: |\.\./);
    });
  }
});

const SENTENCES: readonly (readonly [said: string, sentence: RegExp])[] = [
  ["cgroup\n  is\tbroken ", /^The engine refuses the container: cgroup is broken\. The machine/],
  ["cgroup is broken.", /: cgroup is broken\. The/],
  ["is cgroup broken?", /: is cgroup broken\? The/],
];

Deno.test("startTrouble() makes one sentence of what the engine says", async (t) => {
  for (const [said, sentence] of SENTENCES) {
    await t.step(JSON.stringify(said), () => {
      assert.match(startTrouble(engineFault("invalid_argument", said))?.message ?? "", sentence);
    });
  }
});

/** The agent logs them, and tries again. */
const NO_ANSWERS: readonly (readonly [name: string, error: unknown])[] = [
  ["an engine that is late", new Fault("deadline_exceeded", "no space left on device")],
  ["an engine that is cut off", new Fault("unavailable", "no answer", { cause: new Error("reset") })],
  ["an answer that cannot be read", new Fault("internal", "no such image")],
  ["a bug", new TypeError("cgroup")],
];

Deno.test("startTrouble() is about answers of the engine only", async (t) => {
  for (const [name, error] of NO_ANSWERS) {
    await t.step(name, () => assert.equal(startTrouble(error), undefined));
  }
});
