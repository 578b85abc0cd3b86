import assert from "node:assert/strict";
import { type FaultCode, isFault, publicFault } from "../../../../../pkg/fault/mod.ts";
import type { ApiRequest, Cluster } from "../../../../../pkg/kube/mod.ts";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ANNOTATION } from "./labels.ts";
import { FirstToGo } from "./mark_pod.ts";
import { Pod } from "./objects.ts";

const { signal } = new AbortController();

function pod(cost?: string): Pod {
  return Pod.parse({
    metadata: {
      name: "a",
      namespace: "apps",
      uid: "u",
      resourceVersion: "1",
      annotations: cost === undefined ? {} : { [ANNOTATION.deletionCost]: cost },
    },
    spec: { containers: [{ name: "deployment" }] },
    status: { phase: "Running" },
  });
}

/** A cluster that answers each call so. */
function start(answer: FaultCode | "ok") {
  const [calls, logs]: [ApiRequest[], string[]] = [[], []];
  const cluster: Cluster = {
    server: "https://cluster.example",
    call(request) {
      calls.push(request);
      if (answer !== "ok") return Promise.reject(publicFault(answer, "no"));
      return Promise.resolve(Response.json({ metadata: { name: "a", uid: "u", resourceVersion: "2" } }));
    },
    close: () => Promise.resolve(),
  };
  const log = createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) });
  return { calls, logs, marks: new FirstToGo({ cluster, log }) };
}

Deno.test("a pod is marked once", async () => {
  const { calls, marks } = start("ok");
  await marks.mark(pod(), signal);
  await marks.mark(pod("-1000"), signal);
  assert.deepEqual(calls.map(({ method }) => method), ["PATCH"]);
});

/** A role of an older version must not keep apps of a draining node from their move. */
Deno.test("a mark that is not allowed is logged once and holds up nothing, and an outage does", async (t) => {
  await t.step("not allowed", async () => {
    const { logs, marks } = start("permission_denied");
    await marks.mark(pod(), signal);
    await marks.mark(pod(), signal);
    assert.equal(logs.length, 1);
    assert.match(logs[0] ?? "", /lacks patch of pods/);
  });
  await t.step("gone", async () => {
    const { logs, marks } = start("not_found");
    await marks.mark(pod(), signal);
    assert.deepEqual(logs, []);
  });
  await t.step(
    "an outage",
    () =>
      assert.rejects(
        start("unavailable").marks.mark(pod(), signal),
        (error) => isFault(error, "unavailable"),
      ),
  );
});
