import assert from "node:assert/strict";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import type { OutputLine } from "../port.ts";
import { Notes } from "./notes.ts";
import { Pod } from "./objects.ts";
import { DESIRED } from "./testing_manifests.ts";

function start() {
  const lines: OutputLine[] = [];
  const sink = {
    push: (line: OutputLine) => lines.push(line),
    resumeFrom: () => undefined,
    forget: () => undefined,
  };
  const notes = new Notes(sink, new ManualClock());
  const texts = (): string[] => lines.splice(0).map(({ instance, text }) => `${instance}: ${text}`);
  return { lines, notes, texts };
}

const desired = { ...DESIRED, name: "app", deploymentId: "d_1" };
const pod = (uid: string, phase: string): Pod =>
  Pod.parse({
    metadata: { name: `app-${uid}`, uid, resourceVersion: "1" },
    spec: { containers: [] },
    status: { phase },
  });

Deno.test("Notes tells of a refusal once, of another one, and that it is over", () => {
  const { notes, texts } = start();
  notes.refusal(desired, undefined);
  assert.deepEqual(texts(), [], "nothing was wrong");
  for (let at = 0; at < 3; at++) notes.refusal(desired, { reason: "quota", message: "No room." });
  notes.refusal(desired, { reason: "refused", message: "A rule." });
  notes.refusal(desired, undefined);
  notes.refusal(desired, undefined);
  assert.deepEqual(texts(), [
    "app-refused: (unkey: No room.)",
    "app-refused: (unkey: A rule.)",
    "app-refused: (unkey: The cluster takes the app's pods again.)",
  ]);
  notes.refusal(desired, { reason: "cluster_trouble", message: "A webhook restarts." });
  assert.deepEqual(texts(), [], "what passes within moments is not worth a line");
});

Deno.test("Notes tells of a pod that has ended once, as a line that moves no position", () => {
  const { lines, notes, texts } = start();
  notes.ended(desired, pod("1", "Running"), "It runs.");
  notes.ended(desired, pod("1", "Failed"), "The pod ended (Evicted): disk.");
  assert.deepEqual(lines.map(({ deploymentId, isOwn }) => [deploymentId, isOwn]), [["d_1", true]]);
  notes.ended(desired, pod("1", "Failed"), "The pod ended (Evicted): disk.");
  notes.ended(desired, pod("2", "Failed"), "The pod ended (Evicted): disk.");
  assert.deepEqual(texts(), [
    "app-1: (unkey: The pod ended (Evicted): disk.)",
    "app-2: (unkey: The pod ended (Evicted): disk.)",
  ]);
});

Deno.test("Notes has one line for a failing check, and one for its end while the pod runs", () => {
  const { notes, texts } = start();
  const ready = Pod.parse({
    metadata: { name: "app-1", uid: "1", resourceVersion: "1" },
    spec: { containers: [] },
    status: {
      phase: "Running",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [{ name: "deployment", state: { running: { startedAt: "2026-05-01T12:00:00Z" } } }],
    },
  });
  notes.check(desired, ready, undefined);
  assert.deepEqual(texts(), []);
  notes.check(desired, ready, "it answered 500");
  notes.check(desired, ready, "it answered 503");
  notes.check(desired, ready, undefined);
  notes.check(desired, ready, undefined);
  assert.deepEqual(texts(), [
    "app-1: (unkey: the health check fails: it answered 500)",
    "app-1: (unkey: the health check succeeds again)",
  ]);
  notes.check(desired, pod("1", "Running"), "");
  notes.check(desired, pod("1", "Running"), undefined);
  assert.deepEqual(
    texts(),
    ["app-1: (unkey: the health check fails)"],
    "a run that ended does not answer again",
  );
  notes.check(desired, ready, "x");
  notes.gone(ready);
  notes.check(desired, ready, "x");
  assert.equal(texts().length, 2, "another pod of the name is another app");
});
